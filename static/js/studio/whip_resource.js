/**
 * A WHIP session's HTTP side (RFC 9725): POST makes it, PATCH changes its ICE, DELETE ends it.
 */

import { FRAGMENT_TYPE } from "./sdp_fragment.js";
import { SendError } from "./send_error.js";

const ANSWER_MS = 10_000;
const LEAVE_MS = 2_000;
const AGAIN_MS = 500;

async function problem(response) {
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const { detail = "", type = "" } = await response.json().catch(() => ({}));
  return new SendError(response.status, detail, {
    slug: type.split(":").at(-1),
    retryAfter: Number.isNaN(after) ? null : after,
  });
}

export class WhipResource {
  #endpoint;
  #key;
  #location = "";
  #tag = "";

  /**
   * @param {string} endpoint the WHIP URL
   * @param {string} key the stream key, sent as Bearer
   */
  constructor(endpoint, key) {
    this.#endpoint = endpoint;
    this.#key = key;
  }

  /** Whether the server has a session for us. */
  get exists() {
    return Boolean(this.#location);
  }

  /** Whether its ICE can be changed: only a server that gives an ETag says so (section 4.3.1). */
  get mayRestart() {
    return Boolean(this.#location && this.#tag);
  }

  /**
   * Posts the offer.
   * @param {string} sdp
   * @param {boolean} takeover whether a broadcast that is on air gives way
   * @returns {Promise<string>} the answer
   * @throws {SendError}
   */
  async create(sdp, takeover) {
    const url = takeover ? `${this.#endpoint}?takeover=1` : this.#endpoint;
    const response = await this.#ask("POST", url, { "Content-Type": "application/sdp" }, sdp);
    if (response.status !== 201) throw await problem(response);
    const location = response.headers.get("Location");
    // Section 4.2: the session URL may be relative to the endpoint's.
    this.#location = location ? new URL(location, response.url).href : "";
    this.#tag = response.headers.get("ETag") ?? "";
    return response.text();
  }

  /** Sends candidates that were found late. Without an answer ICE does without them. */
  async trickle(fragment) {
    await this.#patch(fragment, this.#tag, ANSWER_MS).catch(() => {});
  }

  /**
   * Restarts ICE; asks again while there is no answer, since the network may just be coming up.
   * @param {() => string} fragment the newest one
   * @param {() => boolean} isWanted
   * @param {number} patience milliseconds, for one answer and for all of them
   * @returns {Promise<string>} the server's fragment
   * @throws {SendError}
   */
  async restart(fragment, isWanted, patience) {
    const deadline = performance.now() + patience;
    for (;;) {
      try {
        const response = await this.#patch(fragment(), "*", patience);
        if (response.status !== 200) throw await problem(response);
        this.#tag = response.headers.get("ETag") ?? this.#tag;
        return await response.text();
      } catch (error) {
        if (error.status !== 0 || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        if (!isWanted()) throw error;
      }
    }
  }

  /**
   * Ends the session at the server. Safe to call twice, and from `pagehide`: the request outlives
   * the page. No answer is as good: the server notices by itself that no packets come.
   */
  async remove() {
    const location = this.#location;
    this.forget();
    if (location) await this.#ask("DELETE", location, {}, undefined, LEAVE_MS).catch(() => {});
  }

  /** Leaves the session to itself. */
  forget() {
    this.#location = this.#tag = "";
  }

  #patch(fragment, tag, patience) {
    const headers = { "Content-Type": FRAGMENT_TYPE, "If-Match": tag };
    return this.#ask("PATCH", this.#location, headers, fragment, patience);
  }

  async #ask(method, url, headers, body, patience = ANSWER_MS) {
    return fetch(url, {
      method,
      headers: { ...headers, Authorization: `Bearer ${this.#key}` },
      body,
      keepalive: method === "DELETE",
      signal: AbortSignal.timeout(patience),
    }).catch(() => {
      throw new SendError(0);
    });
  }
}
