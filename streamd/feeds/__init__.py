"""The feeds: a WebSocket gateway that speaks Centrifuge's client protocol.

``hub.Hub`` holds the channels, ``gateway.Gateway`` the connections. `gateway.py` is the only file
that imports the ``websockets`` library. No cookie is ever read here.
"""
