// One WHEP session over HTTP: an offer for an answer, an ICE restart, the end.

import { RtpClock } from "./rtp_clock.js";

const SDP = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";

/** Why the endpoint did not answer the offer. `slug` is the problem's, "" where it has none. */
export class Refused extends Error {
  constructor(status, slug, retryAfter) {
    super(`WHEP: ${status} ${slug}`);
    this.status = status;
    this.slug = slug;
    this.retryAfter = retryAfter;
  }
}

export class WhepSession {
  /** @param {RTCPeerConnection} connection with its transceivers */
  constructor(endpoint, connection) {
    this.endpoint = endpoint;
    this.connection = connection;
    this.address = null;
    this.clock = null;
    this.abort = new AbortController();
  }

  /** Throws Refused, or what fetch throws. The server is reachable: no candidate is waited for. */
  async open() {
    const { connection } = this;
    const offer = await connection.createOffer();
    offer.sdp = inStereo(offer.sdp);
    await connection.setLocalDescription(offer);
    const reply = await this.#send("POST", this.endpoint, SDP, offer.sdp);
    const location = reply.headers.get("Location");
    if (location) this.address = new URL(location, reply.url).href;
    if (reply.status !== 201) throw await refusal(reply);
    this.clock = RtpClock.fromLink(reply.headers.get("Link"));
    const sdp = await reply.text();
    if (this.abort.signal.aborted) return;
    await connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** The newest generation's clock, or the last one where none can be had. */
  async readClock() {
    const reply = await fetch(`${this.endpoint}/clock`, { signal: this.abort.signal });
    if (reply.ok) this.clock = RtpClock.fromJson(await reply.json());
    return this.clock;
  }

  /** Over another network: new candidates, the same session. Throws where that fails. */
  async restart() {
    const { connection } = this;
    const remote = connection.remoteDescription.sdp;
    await connection.setLocalDescription(await connection.createOffer({ iceRestart: true }));
    const body = fragment(connection.localDescription.sdp);
    const reply = await this.#send("PATCH", this.address, FRAGMENT, body, { "If-Match": '"*"' });
    if (!reply.ok) throw await refusal(reply);
    const sdp = renewed(remote, await reply.text());
    await connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** Lets go of the server's side; it may outlive the page by a moment. */
  close() {
    this.abort.abort();
    this.connection.close();
    if (this.address) fetch(this.address, { method: "DELETE", keepalive: true }).catch(() => {});
    this.address = null;
  }

  #send(method, address, type, body, headers = {}) {
    const { signal } = this.abort;
    return fetch(address, { method, body, signal, headers: { "Content-Type": type, ...headers } });
  }
}

async function refusal(reply) {
  const isProblem = (reply.headers.get("Content-Type") ?? "").startsWith("application/problem");
  const problem = isProblem ? await reply.json().catch(() => ({})) : {};
  const slug = String(problem.type ?? "").split(":").at(-1);
  return new Refused(reply.status, slug, Number(reply.headers.get("Retry-After")) || 0);
}

// Without it Chromium decodes one channel of two (RFC 7587 §6.1: the receiver's wish).
function inStereo(sdp) {
  return sdp.replace(/(a=fmtp:\d+ )(minptime=[^\r\n]*)/g, (line, head, values) =>
    values.includes("stereo=") ? line : `${head}${values};stereo=1`,
  );
}

// RFC 8840 §9: the credentials alone; a server that sends no checks needs no candidate of ours.
function fragment(sdp) {
  const line = (start) => sdp.match(new RegExp(`^${start}[^\\r\\n]*`, "m"))[0];
  const lines = ["a=group:BUNDLE", "m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:"].map(line);
  return `${lines.join("\r\n")}\r\n`;
}

function renewed(sdp, answered) {
  const value = (name) => answered.match(new RegExp(`^a=${name}:([^\\r\\n]*)`, "m"))[1];
  return sdp
    .replace(/^a=ice-ufrag:[^\r\n]*/gm, `a=ice-ufrag:${value("ice-ufrag")}`)
    .replace(/^a=ice-pwd:[^\r\n]*/gm, `a=ice-pwd:${value("ice-pwd")}`);
}
