"""Janus as a peer: Debian's package, its streaming plugin, the same clip by RTP.

Janus is run as its authors advise for many viewers of one stream: one event loop a core (here one)
rather than a thread a viewer.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from loadtests.errors import Unprepared, WorkerFailed
from loadtests.ports import free_port

MOUNTPOINT: Final = 1
START_SECONDS: Final = 30.0
_PLUGINS: Final = "janus/plugins/libjanus_streaming.so"


class Janus:
    """A running Janus and one session with it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}/janus"
        self._turn = itertools.count()
        self._session = ""
        self._events: dict[int, dict[str, Any]] = {}

    def open(self) -> None:
        """Waits for it and begins a session."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                made = self._post("", {"janus": "create"})
                break
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise WorkerFailed("Janus did not start.") from error
                time.sleep(0.1)
        self._session = f"/{made['data']['id']}"

    def watch(self) -> tuple[int, str]:
        """A new viewer's handle and the offer that Janus makes it."""
        attach = {"janus": "attach", "plugin": "janus.plugin.streaming"}
        handle = int(self._post(self._session, attach)["data"]["id"])
        body = {"request": "watch", "id": MOUNTPOINT}
        self._post(f"{self._session}/{handle}", {"janus": "message", "body": body})
        return handle, str(self._event(handle)["jsep"]["sdp"])

    def start(self, handle: int, sdp: str) -> None:
        """The viewer's answer."""
        jsep = {"type": "answer", "sdp": sdp}
        message = {"janus": "message", "body": {"request": "start"}, "jsep": jsep}
        self._post(f"{self._session}/{handle}", message)
        self._event(handle)

    def _event(self, handle: int) -> dict[str, Any]:
        """The next plugin event of ``handle``; others' are kept for them."""
        deadline = time.monotonic() + START_SECONDS
        while handle not in self._events:
            if time.monotonic() > deadline:
                raise WorkerFailed("Janus did not answer a viewer.")
            got = self._request(f"{self._session}?maxev=20", None)
            for event in got if isinstance(got, list) else [got]:
                if event.get("janus") == "event":
                    self._events[int(event["sender"])] = event
        return self._events.pop(handle)

    def _post(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        message["transaction"] = str(next(self._turn))
        answer: dict[str, Any] = self._request(path, message)
        if answer["janus"] == "error":
            raise WorkerFailed(f"Janus refused: {answer['error']['reason']}")
        return answer

    def _request(self, path: str, message: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(
            self._url + path,
            data=None if message is None else json.dumps(message).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            return json.load(response)


@contextlib.contextmanager
def janus(folder: Path, address: str, video_port: int, audio_port: int) -> Iterator[Janus]:
    """Runs Janus for viewers at ``address``; it takes the clip's RTP on the two ports.

    Raises Unprepared where it is not installed.
    """
    program = shutil.which("janus")
    libraries = next(Path("/usr/lib").glob(f"*/{_PLUGINS}"), None)
    if program is None or libraries is None:
        raise Unprepared("The peer is missing: apt-get install janus.")
    port = free_port()
    _configure(folder, libraries.parent.parent, address, port, video_port, audio_port)
    log = (folder / "janus.log").open("wb")
    process = subprocess.Popen(
        [program, "--configs-folder", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        running = Janus(process, port)
        running.open()
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _configure(
    folder: Path, libraries: Path, address: str, port: int, video_port: int, audio_port: int
) -> None:
    (folder / "janus.jcfg").write_text(
        f"""
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{libraries}/plugins"
  transports_folder = "{libraries}/transports"
  events_folder = "{folder}"
  loggers_folder = "{folder}"
  debug_level = 3
  session_timeout = 0
  event_loops = 1
}}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,\
libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_textroom.so,\
libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so" }}
transports: {{ disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,\
libjanus_rabbitmq.so,libjanus_websockets.so" }}
"""
    )
    (folder / "janus.transport.http.jcfg").write_text(
        f"""
general: {{ json = "compact"  base_path = "/janus"  http = true  port = {port}
  ip = "127.0.0.1"  https = false }}
admin: {{ admin_http = false  admin_https = false }}
"""
    )
    (folder / "janus.plugin.streaming.jcfg").write_text(
        f"""
general: {{ events = false }}
clip: {{
  type = "rtp"  id = {MOUNTPOINT}  audio = true  video = true
  audioport = {audio_port}  audiopt = 111  audiocodec = "opus"  audioiface = "lo"
  videoport = {video_port}  videopt = 96  videocodec = "h264"  videoiface = "lo"
  videofmtp = "profile-level-id=42e01f;packetization-mode=1"
  videobufferkf = true
}}
"""
    )
