"""Solves a new device's challenge as altcha's clients do, with altcha's own library."""

from __future__ import annotations

from typing import Any

import altcha


def solved(challenge: dict[str, Any]) -> str:
    """What ``POST /api/v1/token`` takes as ``altcha`` for a challenge as it came."""
    asked = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    return altcha.Payload(asked, solution).to_base64()
