"""``streamd demo``: two candidates on air, polls open and moving, everything marked simulated."""

from __future__ import annotations

import re
import time
from pathlib import Path

from streamd.clips import BIG_BUCK_BUNNY
from tests.server import running
from tests.web.client import Client

PATIENCE_SECONDS = 40


def test_the_demo_is_live_by_itself(tmp_path: Path) -> None:
    with running(tmp_path, "demo") as server:
        client = Client(server)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            streams = client.ask("GET", "/api/v1/streams").json["streams"]
            polls = client.ask("GET", "/api/v1/polls").json["polls"]
            live = {one["id"] for one in streams if one["state"] == "live"}
            moving = [one for one in polls if one["state"] == "open" and one["tally"]["total"] > 5]
            if len(live) == 2 and len(moving) == 2:
                break
            assert time.monotonic() < deadline, (live, polls)
            time.sleep(0.5)
        assert all(one["simulated"] for one in polls)
        assert all(sum(one["tally"]["counts"].values()) == one["tally"]["total"] for one in polls)

        # The printed studio link works: its key may read the stream's health.
        link = re.search(r"/studio/(\w+)#key=(\S+)", server.log())
        assert link
        health = client.ask("GET", f"/api/v1/streams/{link[1]}/health", key=link[2])
        assert health.status == 200

        # Voters and keys are printed once for their owner, and logged never.
        assert "simulated:" not in server.log()
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def test_the_clip_is_shipped_with_its_licence() -> None:
    assert BIG_BUCK_BUNNY.stat().st_size > 500_000
    licence = BIG_BUCK_BUNNY.with_name("LICENSE.md").read_text(encoding="utf-8")
    assert "Blender Foundation" in licence
    assert "CC BY 3.0" in licence or "Attribution 3.0" in licence
