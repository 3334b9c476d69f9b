"""A poll's log: what its leaves say, its checkpoints, and its close statement. Pure.

Each poll has a log of its own, an append-only Merkle tree (``polling.merkle``) with one leaf a
ballot. Its *origin* is ``{name}/{poll}``, the name being the server's. A *checkpoint* is a signed
note over the tree's size and root (https://c2sp.org/tlog-checkpoint). What the operator has signed
cannot be taken back: any two checkpoints can be held against each other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from polling import merkle
from polling.errors import NoteRejected
from polling.notes import NoteKey, NoteSigner, note_text

Mode = Literal["presence", "recount"]
"""``presence``: a leaf names the ballot alone. ``recount``: it commits to the answer as well."""

CLOSE_TITLE = "streamd close statement v1"
SUPERSEDED_BYTES = 13
"""One row of the superseded list: twelve digits and a line's end."""

_SIZE = re.compile(r"0|[1-9]\d{0,17}")


def origin(name: str, poll: str) -> str:
    """The first line of a poll's checkpoints."""
    return f"{name}/{poll}"


def leaf_data(poll: str, ballot_id: str, commitment: str | None = None) -> bytes:
    """What a leaf is the hash of. ``ballot_id`` and ``commitment`` are lower-case hexadecimal.

    ``streamd ballot v1\\n{poll}\\n{ballot_id}\\n``, then in ``recount`` polls
    ``{commitment}\\n``.
    """
    committed = f"{commitment}\n" if commitment is not None else ""
    return f"streamd ballot v1\n{poll}\n{ballot_id}\n{committed}".encode()


def commitment(nonce: bytes, answer: str) -> str:
    """SHA-256(nonce ‖ answer) in hexadecimal: fixes the answer, hides it until both are shown."""
    return hashlib.sha256(nonce + answer.encode()).hexdigest()


def ballot_leaf(poll: str, ballot_id: str, committed: str | None = None) -> bytes:
    """The hash of one ballot's leaf."""
    return merkle.leaf_hash(leaf_data(poll, ballot_id, committed))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root that a poll's log had, under its origin."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, signer: NoteSigner) -> str:
        """The signed note. The key goes by the origin's name, as tlog-checkpoint advises."""
        return signer.note(self.text, self.origin)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint in a note's text. Raises NoteRejected."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _SIZE.fullmatch(lines[1]):
            raise NoteRejected("This is not a checkpoint: origin, size and root, a line each.")
        root = unbase64(lines[2])
        if len(root) != merkle.HASH_BYTES:
            raise NoteRejected("The root in this checkpoint is not a SHA-256 hash.")
        return cls(lines[0], int(lines[1]), root)

    @classmethod
    def open(cls, note: str, key: NoteKey) -> Checkpoint:
        """The checkpoint in a note that ``key`` signed, by the origin's name.

        Raises NoteRejected.
        """
        claimed = cls.parse(note_text(note))
        return cls.parse(key.named(claimed.origin).open(note))


@dataclass(frozen=True, slots=True)
class Superseded:
    """What a close statement fixes of the superseded list: how many rows, SHA-256 over them.

    A row is a superseded ballot's index in the log, from 0, as ``superseded_row`` writes it; they
    ascend. A list in the leaves' order tells of no two ballots that they were one voter's.
    """

    count: int = 0
    sha256: str = hashlib.sha256().hexdigest()


def superseded_row(index: int) -> bytes:
    """One row of the superseded list. ASCII, of one length, so that it can be bisected."""
    return b"%012d\n" % index


@dataclass(frozen=True, slots=True)
class CloseStatement:
    """What the operator signs when a poll is over and its log complete.

    ``tally`` as pages get it; ``identities``: how many identities of each tier had been issued to
    possible voters when the poll closed; ``checkpoint``: the log's last. Its leaves are as many as
    the tally's total and the ``superseded`` together.
    """

    poll: str
    mode: Mode
    tally: Mapping[str, Any]
    identities: Mapping[str, int]
    checkpoint: Checkpoint
    superseded: Superseded = Superseded()

    @property
    def text(self) -> str:
        """A title, the origin, and canonical JSON, a line each."""
        facts = {
            "poll": self.poll,
            "mode": self.mode,
            "tally": self.tally,
            "identities": self.identities,
            "log": {
                "size": self.checkpoint.size,
                "root": base64.b64encode(self.checkpoint.root).decode(),
            },
            "superseded": {"count": self.superseded.count, "sha256": self.superseded.sha256},
        }
        return f"{CLOSE_TITLE}\n{self.checkpoint.origin}\n{canonical(facts)}\n"

    def signed(self, signer: NoteSigner) -> str:
        """The signed note, by the same key and name as the checkpoints."""
        return signer.note(self.text, self.checkpoint.origin)

    @classmethod
    def open(cls, note: str, key: NoteKey) -> CloseStatement:
        """The statement in a note that ``key`` signed. Raises NoteRejected."""
        lines = note_text(note).split("\n")
        if len(lines) != 4 or lines[0] != CLOSE_TITLE:
            raise NoteRejected("This is not a close statement.")
        _, named, body, _ = key.named(lines[1]).open(note).split("\n")
        try:
            facts = json.loads(body)
            last = Checkpoint(named, int(facts["log"]["size"]), unbase64(facts["log"]["root"]))
            gone = Superseded(int(facts["superseded"]["count"]), facts["superseded"]["sha256"])
            found = cls(
                facts["poll"], facts["mode"], facts["tally"], facts["identities"], last, gone
            )
        except (ValueError, KeyError, TypeError) as error:
            raise NoteRejected("The close statement cannot be read.") from error
        return found


def canonical(value: object) -> str:
    """JSON as RFC 8785 writes it: sorted keys, no spaces. For ASCII keys and whole numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def unbase64(text: object) -> bytes:
    """The bytes of standard base64; b"" where it is none."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return b""
