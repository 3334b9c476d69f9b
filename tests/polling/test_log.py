"""Leaves, checkpoints and close statements as text."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from polling import log
from polling.errors import NoteRejected
from polling.log import Checkpoint, CloseStatement, Superseded
from polling.notes import NoteKey, NoteSigner
from polling.verifying import check_statement, check_superseded

SIGNER = NoteSigner("vote.example", b"s" * 32)
CHECKPOINT = Checkpoint("vote.example/abcdefghij", 7, hashlib.sha256(b"root").digest())
STATEMENT = CloseStatement(
    "abcdefghij",
    "presence",
    {"poll": "abcdefghij", "state": "closed", "seq": 7, "total": 7, "counts": {"2": 3, "1": 4}},
    {"device": 12, "platform": 3},
    CHECKPOINT,
)
# The example in https://c2sp.org/tlog-checkpoint.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_leaves() -> None:
    assert log.leaf_data("abcdefghij", "0" * 32) == (
        b"streamd ballot v1\nabcdefghij\n" + b"0" * 32 + b"\n"
    )
    committed = log.commitment(b"n" * 16, "2")
    assert committed == hashlib.sha256(b"n" * 16 + b"2").hexdigest()
    assert log.leaf_data("abcdefghij", "0" * 32, committed) == (
        b"streamd ballot v1\nabcdefghij\n" + b"0" * 32 + b"\n" + committed.encode() + b"\n"
    )


def test_the_specifications_example_checkpoint() -> None:
    found = Checkpoint.parse(EXAMPLE)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert found.text == EXAMPLE
    assert Checkpoint.parse(EXAMPLE + "an extension line\n") == found


def test_a_checkpoint_is_signed_in_its_origins_name() -> None:
    note = CHECKPOINT.signed(SIGNER)
    assert "\n— vote.example/abcdefghij " in note
    assert Checkpoint.open(note, SIGNER.key) == CHECKPOINT
    # A standard tool is given the key under that name.
    key = NoteKey.parse(SIGNER.key.named(CHECKPOINT.origin).vkey)
    assert key.open(note) == CHECKPOINT.text
    with pytest.raises(NoteRejected):
        Checkpoint.open(note.replace("\n7\n", "\n8\n"), SIGNER.key)
    with pytest.raises(NoteRejected):
        Checkpoint.open(note, NoteSigner("vote.example", b"t" * 32).key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "origin\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n1\nCsUYapGG\n",
        "origin\n1\n\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteRejected):
        Checkpoint.parse(text)


def test_a_close_statement_reads_back() -> None:
    note = STATEMENT.signed(SIGNER)
    assert CloseStatement.open(note, SIGNER.key) == STATEMENT
    assert '"counts":{"1":4,"2":3}' in note
    with pytest.raises(NoteRejected):
        CloseStatement.open(note.replace('"1":4', '"1":5'), SIGNER.key)
    with pytest.raises(NoteRejected):
        CloseStatement.open(CHECKPOINT.signed(SIGNER), SIGNER.key)
    unreadable = SIGNER.note(f"{log.CLOSE_TITLE}\nvote.example/a\n{{}}\n", "vote.example/a")
    with pytest.raises(NoteRejected):
        CloseStatement.open(unreadable, SIGNER.key)


def test_a_statement_is_never_a_checkpoint() -> None:
    """Both are signed by one key, so neither may be read as the other."""
    with pytest.raises(NoteRejected):
        Checkpoint.open(STATEMENT.signed(SIGNER), SIGNER.key)


ROWS = b"".join(map(log.superseded_row, (1, 4)))


def closing(rows: bytes, count: int, total: int = 5) -> CloseStatement:
    gone = Superseded(count, hashlib.sha256(rows).hexdigest())
    return replace(STATEMENT, tally={**STATEMENT.tally, "total": total}, superseded=gone)


def test_leaves_are_the_total_and_the_superseded() -> None:
    def checked(statement: CloseStatement) -> bool:
        return check_statement(statement.signed(SIGNER), SIGNER.key, CHECKPOINT).ok

    assert checked(closing(ROWS, 2))
    assert not checked(closing(ROWS, 1))
    assert not checked(closing(ROWS, 2, total=7))
    # One from before there were such lists cannot be read.
    note = SIGNER.note(STATEMENT.text.replace("superseded", "elsewhere"), CHECKPOINT.origin)
    with pytest.raises(NoteRejected):
        CloseStatement.open(note, SIGNER.key)


def test_the_list_says_of_each_ballot_whether_it_was_superseded() -> None:
    statement = closing(ROWS, 2)
    for index, told in ((4, True), (3, False), (1, None)):
        finding = check_superseded(statement, ROWS, {"index": index, "superseded": told})
        assert finding.ok
        assert ("NOT counted" in finding.text) == (index in (1, 4))


@pytest.mark.parametrize(
    ("rows", "count", "said"),
    [
        # Not the list that was signed.
        (None, 2, "not the one that was signed"),
        # Twice the same, another order, past the log's end, another number of them, other forms.
        (log.superseded_row(1) * 2, 2, "not whole"),
        (log.superseded_row(4) + log.superseded_row(1), 2, "not whole"),
        (log.superseded_row(1) + log.superseded_row(7), 2, "not whole"),
        (ROWS, 3, "not whole"),
        (b"1\n4\n", 2, "not whole"),
        (b"nothing\n", 1, "not whole"),
    ],
)
def test_a_list_that_does_not_hold(rows: bytes | None, count: int, said: str) -> None:
    statement = closing(ROWS if rows is None else rows, count)
    served = log.superseded_row(2) if rows is None else rows
    finding = check_superseded(statement, served, {"index": 1, "superseded": True})
    assert not finding.ok
    assert said in finding.text


@pytest.mark.parametrize(("index", "told"), [(4, False), (3, True)])
def test_a_proof_and_a_list_that_differ(index: int, told: bool) -> None:
    finding = check_superseded(closing(ROWS, 2), ROWS, {"index": index, "superseded": told})
    assert not finding.ok
    assert "differ" in finding.text
