"""``streamd verify``: a receipt checked against a poll's log, with nothing but public answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polling import verifying
from polling.errors import NoteRejected
from polling.log import Checkpoint, CloseStatement
from polling.notes import NoteKey
from polling.receipts import SignedReceipt
from polling.verifying import Finding
from streamd.errors import VerifyFailed

_SECONDS = 20
_MOST_BYTES = 256 * 1024 * 1024

MEANING = {
    "presence": (
        "Your ballot is recorded, once. Neither the log nor your receipt shows your choice."
    ),
    "recount": (
        "Your ballot is recorded, once, together with a sealed copy of your answer. After the "
        "close all answers that count are opened and anyone can recount. Whoever has your receipt "
        "can then find your answer."
    ),
}
LIMITS = (
    "It does not show that every other ballot is a person's, nor that everybody is shown this same "
    "log: compare checkpoints with other people, and keep one to check later with --checkpoint. "
    "Where the last vote counts, which ballots were superseded is the server's word: it could name "
    "one falsely. The voter who holds that ballot's receipt sees it named and can complain; that "
    "there was no later ballot the log cannot show. "
    "Keep the receipt to yourself: whoever runs the poll could look its ballot up."
)


@dataclass(slots=True)
class Verification:
    """What was found, in order. ``mode`` is the poll's, "" where the proof did not come."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mode: str = ""
    checkpoint: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(finding.ok for finding in self.findings)


def read_receipt(source: str, standard_input: Iterator[str]) -> str:
    """The receipt's JSON: ``source`` itself, what the file of that name holds, or for “-” stdin."""
    if source == "-":
        return "".join(standard_input)
    if source.lstrip().startswith("{"):
        return source
    return _read(source, "receipt")


def verify(
    text: str, url: str = "", key_text: str = "", earlier: str = "", *, recount: bool = False
) -> Verification:
    """Checks a receipt. ``url``: whom to ask, ``key_text``: a vkey, ``earlier``: a checkpoint.

    Empty ``url``: the name in the receipt, over HTTPS. Empty ``key_text``: the server's own word
    for its key is taken, and said so. Raises VerifyFailed where nothing could be checked.
    """
    try:
        receipt = SignedReceipt.parse(text)
    except NoteRejected as error:
        raise VerifyFailed(str(error)) from error
    server = _Server(url or _usual_url(receipt.promise.log))
    found = Verification()
    key = _key(key_text, server, found)
    found.findings.append(verifying.check_receipt(receipt, key))
    base = f"/api/v1/polls/{urllib.parse.quote(receipt.promise.poll, safe='')}"
    proof = server.json(f"{base}/proof/{urllib.parse.quote(receipt.promise.ballot_id, safe='')}")
    finding, checkpoint = verifying.check_inclusion(receipt, proof, key)
    found.findings.append(finding)
    found.mode = "presence" if proof.get("commitment") is None else "recount"
    if checkpoint is None:
        return found
    found.checkpoint = str(proof["checkpoint"])
    kept = json.loads(text)
    if found.mode == "recount" and "nonce" in kept and "answer" in kept:
        found.findings.append(
            verifying.check_commitment(proof, str(kept["nonce"]), str(kept["answer"]))
        )
    if earlier:
        found.findings.append(_grown(earlier, checkpoint, key, server, base))
    _check_close(found, key, checkpoint, server, base, proof, recount=recount)
    return found


def _grown(earlier: str, newest: Checkpoint, key: NoteKey, server: _Server, base: str) -> Finding:
    try:
        before = Checkpoint.open(earlier, key)
    except NoteRejected as error:
        return Finding(False, f"The earlier checkpoint does not hold: {error}")
    if before.size > newest.size:
        return Finding(
            False,
            f"The earlier checkpoint has {before.size:,} leaves, and the server now shows a log of "
            f"only {newest.size:,}: ballots were taken out. Keep the checkpoint; it proves it.",
        )
    proof = server.json(f"{base}/consistency?from={before.size}&to={newest.size}")
    return verifying.check_consistency(before, newest, proof)


def _check_close(
    found: Verification,
    key: NoteKey,
    checkpoint: Checkpoint,
    server: _Server,
    base: str,
    proof: dict[str, Any],
    *,
    recount: bool,
) -> None:
    note = server.text_or_none(f"{base}/close-statement")
    if note is None:
        found.notes.append(
            "The poll is not over: its signed close statement is still to come. Where the last "
            "vote counts, only that says whether this ballot or a later one of yours counts."
        )
        if recount:
            found.findings.append(Finding(False, "Answers are opened after the close; not yet."))
        return
    try:
        newest = Checkpoint.open(server.text(f"{base}/checkpoint"), key)
    except NoteRejected as error:
        found.findings.append(Finding(False, f"The log's newest checkpoint does not hold: {error}"))
        return
    found.findings.append(verifying.check_statement(note, key, newest))
    if newest != checkpoint:
        path = server.json(f"{base}/consistency?from={checkpoint.size}&to={newest.size}")
        found.findings.append(verifying.check_consistency(checkpoint, newest, path))
    if not found.ok:
        return
    statement = CloseStatement.open(note, key)
    rows = b""
    if statement.superseded.count or proof.get("superseded"):
        rows = server.text(f"{base}/superseded").encode()
        found.findings.append(verifying.check_superseded(statement, rows, proof))
    if recount:
        lines = server.text(f"{base}/openings.jsonl").splitlines()
        found.findings.append(verifying.recount(server.json(base), lines, statement, rows))


def _key(key_text: str, server: _Server, found: Verification) -> NoteKey:
    if not key_text:
        found.notes.append(
            "The public key was taken from the server itself. Get it from somewhere else, and give "
            "it with --key, so that a lying server cannot choose it."
        )
        key_text = server.text("/api/v1/log/key")
    elif "+" not in key_text:
        key_text = _read(key_text, "key")
    try:
        return NoteKey.parse(key_text)
    except NoteRejected as error:
        raise VerifyFailed(str(error)) from error


def _usual_url(origin: str) -> str:
    host = origin.partition("/")[0]
    return "http://localhost:8080" if host == "localhost" else f"https://{host}"


def read_checkpoint(path: str) -> str:
    """The checkpoint in a file. Raises VerifyFailed."""
    return _read(path, "checkpoint")


def _read(path: str, what: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise VerifyFailed(f"The {what} “{path}” cannot be read: {error}.") from error


class _Server:
    """Public answers of a streamd at ``base``. Every method raises VerifyFailed."""

    def __init__(self, base: str) -> None:
        if not base.startswith(("http://", "https://")):
            raise VerifyFailed(f"“{base}” is no address to ask: it begins with https://.")
        self._base = base.rstrip("/")

    def text(self, path: str) -> str:
        """The answer's text."""
        request = urllib.request.Request(self._base + path)  # noqa: S310 (checked above)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                body: bytes = answer.read(_MOST_BYTES)
        except urllib.error.HTTPError as error:
            raise VerifyFailed(_detail(error), error.code) from error
        except (OSError, ValueError) as error:
            raise VerifyFailed(f"{self._base} does not answer: {error}.") from error
        return body.decode("utf-8", "replace")

    def text_or_none(self, path: str) -> str | None:
        """The same, None where there is nothing yet."""
        try:
            return self.text(path)
        except VerifyFailed as error:
            if error.status == 404:
                return None
            raise

    def json(self, path: str) -> dict[str, Any]:
        """The answer's JSON object."""
        try:
            found = json.loads(self.text(path))
        except (ValueError, RecursionError) as error:
            raise VerifyFailed(f"{self._base}{path} answers with something else.") from error
        if not isinstance(found, dict):
            raise VerifyFailed(f"{self._base}{path} answers with something else.")
        return found


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(65_536))["detail"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"The server answers {error.code} {error.reason}."
