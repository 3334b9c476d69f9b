"""A viewer's way through ICE and DTLS: aiortc's transports above one connection of the mux."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceParameters, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters

from streamd.webrtc.mux import Mux
from streamd.webrtc.mux_connection import MuxConnection
from streamd.webrtc.whep_offer import Remote
from streamd.webrtc.whep_taps import Protector, dtls_transport, ice_transport

log = structlog.get_logger(__name__)

CONSENT_SECONDS = 20.0
"""A viewer that has sent no connectivity check for this long is gone (RFC 7675 §5.1)."""
CLOSE_SECONDS = 3.0


class ViewerTransport:
    """Made by ``reserve``; ``close`` must be awaited.

    ``on_control`` gets each RTCP packet, decrypted; ``on_end`` hears why the transport is over.
    """

    def __init__(
        self,
        carrier: MuxConnection,
        certificate: RTCCertificate,
        on_control: Callable[[bytes], None],
        on_end: Callable[[str], None],
    ) -> None:
        self.carrier = carrier
        self._certificate = certificate
        self._on_control = on_control
        self._on_end = on_end
        self._ice: RTCIceTransport | None = None
        self._dtls: RTCDtlsTransport | None = None

    @classmethod
    async def reserve(
        cls, mux: Mux, on_control: Callable[[bytes], None], on_end: Callable[[str], None]
    ) -> ViewerTransport:
        """Takes a place in the mux. Raises MuxFull. Cancelled, it leaves nothing behind."""
        certificate = await mux.certificate.current()
        carrier = mux.connection(consent_seconds=CONSENT_SECONDS)
        return cls(carrier, certificate, on_control, on_end)

    @property
    def fingerprint(self) -> str:
        """Our certificate's, sha-256."""
        prints = self._certificate.getFingerprints()
        return next(one.value for one in prints if one.algorithm == "sha-256")

    @property
    def candidates(self) -> tuple[str, ...]:
        """Our candidates, as SDP values."""
        return tuple(candidate.to_sdp() for candidate in self.carrier.local_candidates)

    async def connect(self, remote: Remote) -> None:
        """Until ICE and DTLS stand or have failed; ``protector`` then tells which."""
        self._ice = ice_transport(self.carrier)
        self._dtls = dtls_transport(
            self._ice,
            self._certificate,
            passive=remote.setup != "passive",
            on_control=self._on_control,
        )
        self._dtls.on("statechange", self._changed)
        credentials = remote.credentials
        await self._ice.start(
            RTCIceParameters(usernameFragment=credentials.ufrag, password=credentials.password)
        )
        if self._ice.state == "completed":
            prints = [RTCDtlsFingerprint(*one) for one in remote.fingerprints]
            await self._dtls.start(RTCDtlsParameters(fingerprints=prints))

    def protector(self) -> Protector | None:
        """What protects the viewer's media; None while no secure connection stands."""
        if self._dtls is None or self._dtls.state != "connected":
            return None
        return Protector(self._dtls)

    async def close(self) -> None:
        """Tells the viewer by DTLS and frees the place. Takes ``CLOSE_SECONDS`` at most."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._dtls is not None:
                    await self._dtls.stop()
                if self._ice is not None:
                    await self._ice.stop()
        except TimeoutError:
            log.debug("a viewer's transport did not close in time")
        finally:
            self.carrier.drop()

    def _changed(self) -> None:
        if self._dtls is not None and self._dtls.state in ("closed", "failed"):
            self._on_end("the viewer fell silent" if self.carrier.closed else "the viewer left")
