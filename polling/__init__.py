"""Polls that are counted once and keep the secret of who answered what.

``PollService`` (polling/service.py) is what a server uses; ``python -m polling`` works alone.
"""
