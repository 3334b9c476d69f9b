"""RTMP ingest for OBS, ffmpeg and other encoders.

Every module but ``session`` and ``server`` is pure: bytes in, events and bytes out. Written after
"Adobe's Real Time Messaging Protocol" 1.0, the AMF0 and FLV file format specifications and
"Enhanced RTMP" v2 (Veovera); section numbers in this package are those of RTMP 1.0 unless it says
otherwise.
"""
