"""A real Valkey for the keys."""

from __future__ import annotations

from tests.polling.conftest import one_server, valkey

__all__ = ["one_server", "valkey"]
