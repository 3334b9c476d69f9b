"""WebRTC: publishers come in by WHIP (RFC 9725), viewers are served by WHEP, on one UDP port.

    UDP port ─► Mux ─┬─ checks ─► LiteAgent: answered, validated, nominated
                     └─ DTLS, SRTP, by validated address ─► MuxConnection ─► aiortc's transports
    WHIP: offer ─► sdp (checked, filtered) ─► peer (aiortc) ─► answer
          SRTP ─► PacketReceiver (aiortc_taps) ─► WhipSession ─► Ingest: depacketizer,
          parameter sets, alignment, concealment ─► tracks and units ─► relay.Publisher;
          nothing of it is decoded
          and back: NACK (retransmission), PLI (keyframes), reports, bandwidth estimates
          PATCH ─► sdp_fragment, ice_exchange ─► new credentials beside the old
    WHEP: relay.Subscriber ─► packets, made once a stream ─► SRTP for each viewer ─► Mux, in batches

Who waits, owns tasks or sockets: ``mux``, ``mux_connection``, ``shared_certificate``, ``peer``,
``whip*``, ``whep*`` and what they name. The rest is pure: values and ``now`` in, values out. Only
this package imports aiortc and aioice.
"""
