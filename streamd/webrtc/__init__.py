"""WebRTC: publishers come in by WHIP (RFC 9725), and nothing of theirs is decoded.

    offer ─► sdp (checked, filtered) ─► peer (aiortc) ─► answer
    datagrams ─► Gate ─► aioice, DTLS, SRTP ─► PacketReceiver (both in aiortc_taps)
              ─► WhipSession ─► Ingest: depacketizer, parameter sets, alignment, concealment
              ─► tracks and units ─► relay.Publisher
    and back: NACK (retransmission), PLI (keyframes), receiver reports, bandwidth estimates

Everything but ``aiortc_taps``, ``peer``, ``whip_session`` and ``whip`` is pure: values and ``now``
in, values out. Only this package imports aiortc and aioice.
"""
