"""Hypothesis without a deadline: other suites run on the same cores."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("streamd-media", deadline=None)
settings.load_profile("streamd-media")
