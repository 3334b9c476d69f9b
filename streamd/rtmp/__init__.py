"""RTMP ingest for OBS, ffmpeg and other encoders.

Every module but ``session``, ``server``, ``metrics`` and ``publish_client`` is pure: bytes in,
events and bytes out. Written after "Adobe's Real Time Messaging Protocol" 1.0, the AMF0 and FLV
file format specifications and "Enhanced RTMP" v2 (Veovera); section numbers in this package are
those of RTMP 1.0 unless it says otherwise.

RTMP publishers have no link health: over TCP there is no loss to see, and the protocol measures no
round trip (section 7.1.7's Ping is answered by few encoders). Their streams show loss, round trip
and jitter as not measured; a bad line shows as pictures that come late, or not at all.
"""
