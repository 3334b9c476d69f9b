"""Clips that ship with streamd; LICENSE.md beside them says whose they are."""

from __future__ import annotations

from pathlib import Path

BIG_BUCK_BUNNY = Path(__file__).with_name("bigbuckbunny.mp4")
"""5.3 s, 1280 × 720, one keyframe, AAC 5.1."""
