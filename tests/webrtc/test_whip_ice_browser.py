"""Chromium trickles candidates, restarts ICE and is told of the end, against a whole streamd."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.server import Server
from tests.web.client import Client

pytestmark = pytest.mark.browser

PUBLISHER = """
async ([url, key]) => {
  const FRAGMENT = "application/trickle-ice-sdpfrag";
  const answered = [];
  const ask = async (method, path, type, body, tag) => {
    const headers = {Authorization: `Bearer ${key}`, "Content-Type": type};
    if (tag) headers["If-Match"] = tag;
    const reply = await fetch(new URL(path, url), {method, headers, body});
    answered.push([method, reply.status, reply.headers.get("ETag")]);
    return reply;
  };
  const of = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*)$`, "m"))[1].trim();
  const fragment = (sdp, candidates) => [
    `a=ice-ufrag:${of(sdp, "ice-ufrag")}`, `a=ice-pwd:${of(sdp, "ice-pwd")}`,
    "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", ...candidates.map((line) => `a=${line}`),
  ].join("\\r\\n") + "\\r\\n";

  const media = await navigator.mediaDevices.getUserMedia({video: true});
  const pc = new RTCPeerConnection();
  const waiting = [];
  let session, tag, restarting = false;
  const trickle = () => {
    if (!session || restarting || !waiting.length) return;
    ask("PATCH", session, FRAGMENT, fragment(pc.localDescription.sdp, waiting.splice(0)), tag);
  };
  pc.onicecandidate = ({candidate}) => {
    if (candidate?.candidate) waiting.push(candidate.candidate);
    trickle();
  };
  pc.addTransceiver(media.getVideoTracks()[0], {direction: "sendonly"});
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  // What createOffer gave: there is no candidate in it.
  const reply = await ask("POST", url, "application/sdp", offer.sdp);
  let answer = await reply.text();
  await pc.setRemoteDescription({type: "answer", sdp: answer});
  session = reply.headers.get("Location");
  tag = reply.headers.get("ETag");
  trickle();

  window.publisher = {
    pc, session, answered,
    candidatesInOffer: offer.sdp.includes("a=candidate"),
    async restart() {
      restarting = true;
      pc.restartIce();
      await pc.setLocalDescription(await pc.createOffer());
      const reply = await ask(
        "PATCH", session, FRAGMENT, fragment(pc.localDescription.sdp, []), '"*"');
      const given = await reply.text();
      tag = reply.headers.get("ETag");
      for (const name of ["ice-ufrag", "ice-pwd"])
        answer = answer.replaceAll(of(answer, name), of(given, name));
      await pc.setRemoteDescription({type: "answer", sdp: answer});
      restarting = false;
      trickle();
      return of(given, "ice-ufrag");
    },
    // The connection that carries media, as Chromium sees it.
    async selected() {
      const entries = [...(await pc.getStats()).values()];
      const transport = entries.find((entry) => entry.type === "transport");
      const by = (id) => entries.find((entry) => entry.id === id);
      const pair = by(transport.selectedCandidatePairId);
      const sent = entries.find((entry) => entry.type === "outbound-rtp");
      return {
        state: pc.connectionState, ice: pc.iceConnectionState, frames: sent?.framesSent ?? 0,
        restarts: transport.selectedCandidatePairChanges, dtls: transport.dtlsState,
        local: pair && by(pair.localCandidateId)?.usernameFragment,
        remote: pair && by(pair.remoteCandidateId)?.usernameFragment,
        trip: pair?.currentRoundTripTime,
      };
    },
  };
  return answer;
}
"""


@pytest.fixture
def publishing(browser: Browser, server: Server, stream_key: str) -> Iterator[Page]:
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.goto(server.url)
    page.evaluate(PUBLISHER, [f"{server.url}/whip/alef", stream_key])
    yield page
    Client(server).ask("DELETE", page.evaluate("publisher.session"), key=stream_key)
    context.close()


def selected(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("publisher.selected()")
    return found


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


def health(server: Server, key: str) -> dict[str, Any]:
    answer = Client(server).ask("GET", "/api/v1/streams/alef/health", key=key)
    found: dict[str, Any] = answer.json
    return found


def test_trickle_and_a_restart_of_ice_and_the_measured_line(
    publishing: Page, server: Server, stream_key: str
) -> None:
    page = publishing
    assert page.evaluate("publisher.candidatesInOffer") is False
    until(lambda: selected(page)["frames"] > 15)
    assert page.evaluate("publisher.answered")[0][:2] == ["POST", 201]
    until(lambda: len(page.evaluate("publisher.answered")) > 1)
    assert {tuple(entry) for entry in page.evaluate("publisher.answered")[1:]} == {
        ("PATCH", 204, None)
    }
    before = selected(page)
    ufrag = page.evaluate("publisher.restart()")
    assert ufrag != before["remote"]
    until(lambda: selected(page)["remote"] == ufrag)
    after = selected(page)
    assert after["local"] != before["local"]
    assert after["state"] == "connected"
    until(lambda: selected(page)["frames"] > after["frames"] + 30)
    answered = page.evaluate("publisher.answered")
    assert ["PATCH", 200] in [entry[:2] for entry in answered]
    assert {status for _, status, _ in answered} == {200, 201, 204}
    until(lambda: (health(server, stream_key)["link"] or {}).get("rtt_ms") is not None)
    found = health(server, stream_key)
    assert found["state"] == "live"
    assert 0 <= found["link"]["rtt_ms"] < 5_000
    assert found["link"]["loss_percent"] == 0


def test_the_browser_notices_at_once_when_the_server_ends_the_session(
    publishing: Page, server: Server, stream_key: str
) -> None:
    page = publishing
    until(lambda: selected(page)["frames"] > 5)
    ended = Client(server).ask("DELETE", page.evaluate("publisher.session"), key=stream_key)
    assert ended.status == 200
    # DTLS says it; ``connectionState`` stays “connected” for seconds.
    until(lambda: selected(page)["dtls"] == "closed", seconds=5)
