"""Marks that several load tests' tests carry."""

from __future__ import annotations

import pytest

from loadtests import native

needs_compiler = pytest.mark.skipif(
    native.compiler() is None, reason="the generators need a C compiler: install gcc"
)
