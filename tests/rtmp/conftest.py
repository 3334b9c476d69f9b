"""A real Valkey for the keys."""

from __future__ import annotations

from tests.polling.conftest import valkey

__all__ = ["valkey"]
