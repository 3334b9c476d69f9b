/**
 * The studio's one place of truth: devices, broadcast, polls, and what the server says of them.
 * Views read it and call its verbs; each change ends in `onchange`.
 */

import { Feed } from "../feed.js";
import { page, serverNow } from "../page.js";
import { ApiError, call } from "./api.js";
import { Armed } from "./armed.js";
import { Broadcast } from "./broadcast.js";
import { Composer } from "./composer.js";
import { Device, Devices } from "./devices.js";
import { Gauge } from "./gauge.js";
import { dropKey, keepKey, keyIn, takeKey } from "./key.js";
import { Hearing } from "./hearing.js";
import { Level } from "./level.js";
import { Phase, onAir } from "./lifecycle.js";
import { Polls } from "./polls.js";
import { qualityBelow } from "./quality.js";
import { WakeLock } from "./wake.js";
import { keepWay, socketSupported, takeWay } from "./ways.js";

export const Access = Object.freeze({
  CHECKING: "checking",
  OPEN: "open",
  /** The link held no key. */
  NO_KEY: "no-key",
  WRONG_KEY: "wrong-key",
  /** No such stream here. */
  UNKNOWN: "unknown",
});

const HEALTH_ON_AIR_MS = 2_000;
const HEALTH_IDLE_MS = 6_000;
const POLLS_MS = 10_000;
const TOLD_MS = 5_000;

export class Desk {
  access = Access.CHECKING;
  stream = page.stream;
  /** The server's Health of this stream, null before the first answer. */
  health = null;
  /** Why the last request for it failed, null if it did not. */
  unreachable = null;
  viewers = page.stream.viewers ?? 0;
  peak = 0;
  online = true;
  /** Which panel is chosen; `wide` shows the first one beside the others. */
  panel = "camera";
  wide = false;
  /** Whether this browser can go live over the WebSocket. */
  canSocket = true;
  keyShown = false;
  /** How the OBS panel says to send: "rtmp" or "whip". */
  obsBy = page.rtmp_url ? "rtmp" : "whip";
  copied = "";
  /** What was just done, a msgid. */
  told = "";

  #key;
  #onchange;
  #feed = null;
  #wasUp = false;
  #followed = new Set();
  #healthTimer = 0;
  #healthAt = 0;
  #pollsAt = 0;
  #tellTimer = 0;

  /** @param {() => void} onchange */
  constructor(onchange) {
    this.#onchange = onchange;
    const way = takeWay(location.hash);
    this.#key = takeKey(this.stream.id);
    const key = () => this.#key;
    this.level = new Level();
    this.hearing = new Hearing();
    this.devices = new Devices(
      () => this.#devicesChanged(),
      (track) => this.#trackChanged(track),
    );
    this.broadcast = new Broadcast(this.stream.id, key, way, () => this.#broadcastChanged());
    this.gauge = new Gauge(
      () => this.broadcast.stats(),
      () => ({
        target: this.broadcast.quality.bitrate,
        receiving: this.health?.state !== "stalled",
      }),
      onchange,
    );
    this.wake = new WakeLock();
    this.polls = new Polls(this.stream.id, key, () => this.#pollsChanged());
    this.composer = new Composer(onchange);
    this.goLive = new Armed(onchange, () => this.#start(this.contested));
    this.end = new Armed(onchange, () => this.stop());
    this.close = new Map();
  }

  get whipUrl() {
    return `${location.origin}/whip/${encodeURIComponent(this.stream.id)}`;
  }

  /** For the "show" and "copy" controls only. */
  get key() {
    return this.#key;
  }

  /** What OBS calls the stream key: RTMP has no header to put the key in. */
  get rtmpKey() {
    return `${this.stream.id}?key=${this.#key}`;
  }

  /** The panel to show: on wide screens the first one has its own place. */
  get shown() {
    return this.wide && this.panel === "camera" ? "polls" : this.panel;
  }

  get heard() {
    return this.hearing.word;
  }

  get quietLong() {
    return this.hearing.long;
  }

  get phase() {
    return this.broadcast.phase;
  }

  get onAir() {
    return onAir(this.phase);
  }

  /** Someone broadcasts to this stream, and it is not this page: OBS, or another device. */
  get elsewhere() {
    if (this.onAir || this.phase === Phase.CONNECTING) return false;
    // Our own broadcast takes a moment to end at the server.
    if (this.broadcast.endedAt && Date.now() - this.broadcast.endedAt < 8_000) return false;
    return this.health?.state === "live" || this.health?.state === "stalled";
  }

  /** The stream is on air and not from here: going live means to take over. */
  get contested() {
    if (this.onAir || this.phase === Phase.CONNECTING) return false;
    return this.elsewhere || this.broadcast.error?.status === 409;
  }

  /** Seconds on air, null off air. */
  get elapsed() {
    const { startedAt, endedAt } = this.broadcast;
    if (this.elsewhere) {
      const { uptime_seconds: uptime } = this.health;
      return uptime === null ? null : uptime + (performance.now() - this.#healthAt) / 1000;
    }
    if (!startedAt) return null;
    return ((this.onAir ? Date.now() : (endedAt ?? Date.now())) - startedAt) / 1000;
  }

  /** Begins: checks the key, then what the key opens. */
  async begin() {
    socketSupported().then((can) => {
      this.canSocket = can;
      this.#onchange();
    });
    if (!this.#key) {
      this.#setAccess(Access.NO_KEY);
      return;
    }
    await this.#checkHealth();
    if (this.access !== Access.OPEN) return;
    this.#follow();
    this.polls.load();
    if (await Devices.allowed()) await this.openDevices();
  }

  /** Tries what somebody typed or pasted at the gate. */
  async enter(text) {
    const key = keyIn(text);
    if (!key) return;
    this.#key = key;
    keepKey(this.stream.id, key);
    this.#setAccess(Access.CHECKING);
    await this.begin();
  }

  #setAccess(access) {
    this.access = access;
    this.#onchange();
  }

  #follow() {
    if (this.#feed) return;
    this.#feed = new Feed(page.feed_url);
    // Not `stream:{id}`: whoever subscribes to that is a viewer, and would count here as one.
    this.#feed.subscribe(`event:${page.event.id}`, (state) => this.#eventChanged(state));
    this.#feed.watch((up) => {
      // A feed that has not been up yet is on its way, not away.
      this.#wasUp ||= up;
      this.online = up || !this.#wasUp;
      this.#onchange();
    });
  }

  /** Follows the tallies of exactly the open polls. */
  #followPolls() {
    const open = new Set(this.polls.open.map((poll) => poll.id));
    for (const id of this.#followed) if (!open.has(id)) this.#feed?.unsubscribe(`poll:${id}`);
    for (const id of open) {
      if (this.#followed.has(id)) continue;
      this.#feed?.subscribe(`poll:${id}`, (tally) => this.polls.count(tally));
    }
    if (this.#feed) this.#followed = open;
  }

  #eventChanged({ streams = [] }) {
    const row = streams.find((stream) => stream.id === this.stream.id);
    if (row) this.#count(row.viewers ?? this.viewers);
    this.#onchange();
  }

  #count(viewers) {
    this.viewers = viewers;
    if (this.onAir) this.peak = Math.max(this.peak, viewers);
  }

  #pollsChanged() {
    this.#followPolls();
    this.#onchange();
  }

  async #checkHealth() {
    clearTimeout(this.#healthTimer);
    try {
      this.health = await call("GET", `/streams/${encodeURIComponent(this.stream.id)}/health`, {
        key: this.#key,
      });
      this.#healthAt = performance.now();
      this.unreachable = null;
      this.#count(this.health.viewers ?? this.viewers);
      this.access = Access.OPEN;
      if (this.broadcast.error?.status === 409 && !this.elsewhere) this.broadcast.forget();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#refused(error);
    }
    this.#onchange();
    if (this.access === Access.WRONG_KEY || this.access === Access.UNKNOWN) return;
    this.#refreshPolls();
    const wait = this.onAir ? HEALTH_ON_AIR_MS : HEALTH_IDLE_MS;
    this.#healthTimer = setTimeout(() => this.#checkHealth(), wait);
  }

  /** Polls asked or closed by others, headquarters for one, and by their own time limit. */
  #refreshPolls() {
    if (!this.polls.list || Date.now() - this.#pollsAt < POLLS_MS) return;
    this.#pollsAt = Date.now();
    this.polls.load();
  }

  #refused(error) {
    if (error.status === 401 || error.status === 403) {
      dropKey(this.stream.id);
      this.access = Access.WRONG_KEY;
      this.#key = "";
      return;
    }
    if (error.status === 404) this.access = Access.UNKNOWN;
    else {
      // The key may well be right: the studio opens, and says that the server does not answer.
      this.unreachable = error;
      this.access = Access.OPEN;
    }
  }

  async openDevices() {
    await this.devices.open();
    if (this.devices.state === Device.READY) this.level.listen(this.devices.media);
  }

  #devicesChanged() {
    this.broadcast?.interrupted(Boolean(this.devices.interruption));
    this.#onchange();
  }

  #trackChanged(track) {
    this.broadcast.replaceTrack(track);
    if (track.kind === "audio") this.level.listen(this.devices.media);
  }

  #start(takeover) {
    this.peak = 0;
    this.gauge.clear();
    this.broadcast.start(this.devices.media, takeover);
  }

  /** Chooses how the next broadcast leaves this page. */
  chooseWay(way) {
    keepWay(way);
    this.broadcast.choose(way);
  }

  async stop() {
    await this.broadcast.stop();
  }

  /** Back to the device check after the end. */
  async again() {
    this.broadcast.again();
    await this.openDevices();
  }

  #broadcastChanged() {
    this.goLive.disarm();
    if (!this.onAir) this.end.disarm();
    if (this.phase === Phase.LIVE) this.#wentLive();
    if (this.phase === Phase.RECONNECTING) this.gauge.clear();
    if (this.phase === Phase.ENDED) {
      this.gauge.stop();
      this.devices.close();
      this.level.close();
      scrollTo({ top: 0 });
    }
    if (!this.onAir) this.wake.release();
    this.#onchange();
  }

  #wentLive() {
    this.broadcast.interrupted(Boolean(this.devices.interruption));
    this.gauge.start();
    this.keepAwake();
    this.#checkHealth();
  }

  async lowerQuality() {
    const lower = qualityBelow(this.broadcast.quality.name);
    if (lower) await this.setQuality(lower.name);
  }

  async setQuality(name) {
    await this.broadcast.setQuality(name);
    if (this.onAir) this.gauge.start();
  }

  /** Keeps the screen on while on air. */
  async keepAwake() {
    if (!this.onAir) return;
    await this.wake.hold();
    this.#onchange();
  }

  /** @returns {boolean} whether the poll was asked or kept */
  async ask(now) {
    if (!this.composer.check(true)) return false;
    const done = await this.polls.create(this.composer.toBody(), now);
    if (!done) return false;
    this.composer.reset();
    this.tell(now ? "Your question is on your viewers' screens." : "Kept as a draft.");
    return true;
  }

  /** Says a sentence (msgid) once to whoever listens to the page, and shows it for a while. */
  tell(sentence) {
    clearTimeout(this.#tellTimer);
    this.told = sentence;
    this.#tellTimer = setTimeout(() => this.tell(""), TOLD_MS);
    if (!sentence) clearTimeout(this.#tellTimer);
    this.#onchange();
  }

  /** The two-press close button of one poll. */
  closing(id) {
    if (!this.close.has(id)) {
      this.close.set(id, new Armed(this.#onchange, () => this.polls.move(id, "close")));
    }
    return this.close.get(id);
  }

  show(panel) {
    this.panel = panel;
    this.#onchange();
  }

  /** Whole seconds until the poll closes, null without a limit. */
  secondsLeft(poll) {
    if (poll.state !== "open" || !poll.closes_at) return null;
    return Math.max(0, Math.ceil(poll.closes_at - serverNow()));
  }

  async copy(what, text) {
    try {
      await navigator.clipboard.writeText(text);
      this.copied = what;
    } catch {
      this.copied = `${what}-refused`;
    }
    this.#onchange();
  }

  chooseObs(by) {
    this.obsBy = by;
    this.copied = "";
    this.#onchange();
  }

  showKey(yes) {
    this.keyShown = yes;
    this.#onchange();
  }

  /** The page goes: the broadcast ends with it, and the server is told. */
  leave() {
    this.broadcast.stop();
    this.devices.close();
    this.#feed?.close();
    clearTimeout(this.#healthTimer);
  }
}
