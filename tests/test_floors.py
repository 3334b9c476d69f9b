"""A module imports its own floor or a lower one, and some libraries have one door only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Longest prefix wins. docs/architecture.md draws the same house.
FLOORS = {
    "streamd.errors": 0,
    "streamd.config": 0,
    "streamd.config_ranges": 0,
    "streamd.media": 0,
    "streamd.clips": 0,
    "streamd": 0,
    "streamd.log": 1,
    "streamd.identity": 1,
    "streamd.identity_codes": 1,
    "streamd.identity_jwks": 1,
    "streamd.identity_platforms": 1,
    "streamd.identity_proof": 1,
    "streamd.identity_rates": 1,
    "streamd.identity_store": 1,
    "streamd.identity_tiers": 1,
    "streamd.keys": 1,
    "streamd.store": 1,
    "streamd.valkey": 1,
    "streamd.secret_file": 1,
    "streamd.shutdown": 1,
    "streamd.descriptors": 1,
    "streamd.certificates": 1,
    "streamd.relay": 1,
    "streamd.webrtc": 2,
    "streamd.rtmp": 2,
    "streamd.recording": 2,
    "streamd.feeds": 2,
    "streamd.campaign": 2,
    "streamd.web": 3,
    "streamd.announcements": 3,
    "streamd.poll_cues": 3,
    "streamd.poll_log_metrics": 3,
    "streamd.poll_replay": 3,
    "streamd.poll_log_work": 3,
    "streamd.poll_log_process": 3,
    "streamd.app": 4,
    "streamd.demo": 4,
    "streamd.edge": 4,
    "streamd.publish": 4,
    "streamd.publish_sources": 4,
    "streamd.verify": 4,
    "streamd.verify_cli": 4,
    "streamd.cli": 5,
    "streamd.identity_cli": 5,
    "streamd.__main__": 5,
}
POLLING = {
    "polling.errors": 0,
    "polling.model": 0,
    "polling.drafting": 0,
    "polling.rules": 0,
    "polling.questions": 0,
    "polling.poll_rules": 0,
    "polling.visibility": 0,
    "polling.breakdown": 0,
    "polling.deadlines": 0,
    "polling.pacing": 0,
    "polling.stage": 0,
    "polling.answers": 0,
    "polling.results": 0,
    "polling.words": 0,
    "polling.qa": 0,
    "polling": 0,
    "polling.poll_keys": 1,
    "polling.store": 1,
    "polling.store_durability": 0,
    "polling.store_wire": 1,
    "polling.store_salts": 1,
    "polling.store_single": 1,
    "polling.store_ledgers": 1,
    "polling.store_cluster": 1,
    "polling.files": 1,
    "polling.leases": 1,
    "polling.ledger_files": 1,
    "polling.log_files": 1,
    "polling.log_reader": 1,
    "polling.draining": 2,
    "polling.log_openings": 2,
    "polling.sequencer": 3,
    "polling.sequencing": 4,
    "polling.store_answers": 1,
    "polling.store_qa": 1,
    "polling.known_polls": 1,
    "polling.pushes": 2,
    "polling.screens": 2,
    "polling.late": 2,
    "polling.moves": 2,
    "polling.reader": 2,
    "polling.written": 2,
    "polling.clock": 3,
    "polling.casting": 2,
    "polling.repeats": 1,
    "polling.audit": 2,
    "polling.service": 3,
    "polling.command_line": 4,
    "polling.__main__": 4,
}
DOORS = {
    "aiortc": ("streamd/webrtc/", "loadtests/", "tests/"),
    "aioice": ("streamd/webrtc/", "loadtests/", "tests/"),
    "websockets": (
        "streamd/feeds/gateway.py",
        "streamd/feeds/connection.py",
        "loadtests/",
        "tests/",
    ),
    "redis": (
        "streamd/store.py",
        "streamd/keys.py",
        "polling/store",
        "tests/",
        "loadtests/",
    ),
    "aiohttp": ("streamd/web/", "loadtests/", "tests/"),
    "obstore": ("streamd/recording/object_store.py", "tests/"),
}
PURE = (
    "streamd/media/",
    "streamd/campaign/rotation.py",
    "polling/model.py",
    "polling/drafting.py",
    "polling/rules.py",
    "polling/questions.py",
    "polling/poll_rules.py",
    "polling/visibility.py",
    "polling/breakdown.py",
    "polling/answers.py",
    "polling/results.py",
    "polling/words.py",
    "polling/merkle.py",
    "polling/pacing.py",
    "polling/tiles.py",
    "polling/notes.py",
    "polling/log.py",
    "polling/receipts.py",
    "polling/verifying.py",
)
IMPURE = {"asyncio", "time", "socket", "threading", "random"}

FILES = sorted(
    path
    for package in ("streamd", "polling", "loadtests", "tests")
    for path in (ROOT / package).rglob("*.py")
)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floor_of(module: str, floors: dict[str, int]) -> int | None:
    while module:
        if module in floors:
            return floors[module]
        module = module.rpartition(".")[0]
    return None


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_stay_on_their_floor(path: Path) -> None:
    module = module_of(path)
    place = path.relative_to(ROOT).as_posix()
    for name in imports(path):
        for library, doors in DOORS.items():
            if name == library or name.startswith(f"{library}."):
                assert place.startswith(doors), f"{place} imports {library}"
        if place.startswith(PURE):
            assert name.split(".")[0] not in IMPURE, f"{place} is pure and imports {name}"
        if module.startswith("polling"):
            assert name.split(".")[0] != "streamd", f"{place} imports {name}"
        for package, floors in (("streamd", FLOORS), ("polling", POLLING)):
            if module.split(".")[0] == package and name.split(".")[0] == package:
                own, other = floor_of(module, floors), floor_of(name, floors)
                assert own is not None
                assert other is not None
                assert other <= own, f"{place} (floor {own}) imports {name} (floor {other})"


def test_every_module_has_a_floor_of_its_own() -> None:
    for path in FILES:
        module = module_of(path)
        if module.startswith("streamd.") and module.count(".") == 1:
            assert module in FLOORS, f"{module} has no floor"
