"""The load tests' errors.

LoadTestError
├── Unprepared     this machine lacks something that the load test needs
└── WorkerFailed   a process of the load test ended, or did not answer in time
"""

from __future__ import annotations


class LoadTestError(Exception):
    """Base of the load tests' errors. ``str(error)`` says what to do."""


class Unprepared(LoadTestError):
    """This machine lacks something that the load test needs."""


class WorkerFailed(LoadTestError):
    """A process of the load test ended, or did not answer in time."""
