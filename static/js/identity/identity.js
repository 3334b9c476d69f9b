// Who this page votes as: a device by its cookie, or whom an access code or a platform names.
//
// The identity is a connect token; it is asked for when it is needed and whenever it expires.

import { Proof } from "./proof.js";

const AGAIN = ["proof_needed", "proof_refused"];
const NO_WISH = { body: {}, headers: {} };

/** The server's refusal: `slug` as in its problem details, `retryAfter` in seconds or 0. */
export class IdentityRefused extends Error {
  constructor(status, slug, retryAfter) {
    super(`token: ${status} ${slug}`);
    this.status = status;
    this.slug = slug;
    this.retryAfter = retryAfter;
  }
}

export class Identity {
  constructor() {
    this.proof = new Proof();
    this.wish = async () => NO_WISH;
    this.given = null;
    this.isAdmitted = false;
    this.watchers = new Set();
    /** The holder of the newest code, "" before one. */
    this.codeHolder = "";
  }

  /** Begins a new device's proof of work, in the background. */
  prepare() {
    this.proof.take().catch(() => {}); // `token` tries again and reports
  }

  /** Whether this browser sends a device cookie from here, which it may not from another site's frame. */
  async holdsDevice() {
    const response = await fetch("/api/v1/identity");
    if (!response.ok) throw new Error(`identity: ${response.status}`);
    return (await response.json()).device;
  }

  /** "device", "platform" or "code" as last given; null before. */
  get tier() {
    return this.given?.tier ?? null;
  }

  /** What this voter's ballots are kept apart by in this browser; "" for its device. */
  get holder() {
    return this.given?.holder ?? "";
  }

  /** Calls `onOther()` once `holder` is another one. Returns a stop. */
  watch(onOther) {
    this.watchers.add(onOther);
    return () => this.watchers.delete(onOther);
  }

  /**
   * Votes as whoever `code` stands for in `poll` from now on. Returns {tier, region}; rejects with
   * IdentityRefused (mistyped_code, code_refused, too_often), and then nothing has changed.
   */
  async useCode(code, poll = "") {
    return this.#use(async () => ({ body: { code, poll }, headers: {} }));
  }

  /** Votes as whom the platform names: `jwt` returns its newest signed token, or a promise of it. */
  async usePlatform(jwt) {
    return this.#use(async () => ({ body: {}, headers: { Authorization: `Bearer ${await jwt()}` } }));
  }

  /** Votes as this device again. */
  useDevice() {
    this.wish = async () => NO_WISH;
    this.#take(null);
  }

  /** A connect token that holds for some minutes. Rejects with IdentityRefused. */
  async token() {
    const given = await this.#ask(await this.wish());
    this.#take(given);
    return given.token;
  }

  /** Headers for a vote over HTTP: a device's cookie goes by itself. */
  async headers() {
    const isDevice = !this.given || this.given.tier === "device";
    return isDevice ? {} : { Authorization: `Bearer ${await this.token()}` };
  }

  async #use(wish) {
    const given = await this.#ask(await wish());
    this.wish = wish;
    this.#take(given);
    const { tier, region } = this.given;
    return { tier, region };
  }

  #take(given) {
    const before = this.holder;
    this.given = given;
    if (this.tier === "code") this.codeHolder = this.holder;
    if (this.holder !== before) for (const onOther of [...this.watchers]) onOther();
  }

  async #ask(wish) {
    if (wish !== NO_WISH) return post(wish);
    try {
      return await this.#asDevice();
    } catch (error) {
      // The pass has expired, or the solution came too late or a second time.
      if (!AGAIN.includes(error.slug)) throw error;
      this.isAdmitted = false;
      this.proof.forget();
      return this.#asDevice();
    }
  }

  async #asDevice() {
    const altcha = this.isAdmitted ? "" : await this.proof.take();
    const given = await post({ body: altcha ? { altcha } : {}, headers: {} });
    this.isAdmitted = true;
    return given;
  }
}

/** This page's one identity, whatever it opens. */
export const identity = new Identity();

/** The code in the address's fragment (`#code=`, from a sheet's QR), taken out of it; or "". */
export function codeFromAddress() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";
  if (code) history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

async function post({ body, headers }) {
  const response = await fetch("/api/v1/token", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (response.ok) return response.json();
  const { type = "" } = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  throw new IdentityRefused(response.status, type.split(":").pop(), retryAfter);
}
