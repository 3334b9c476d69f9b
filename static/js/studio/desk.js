/**
 * The studio's one place of truth: devices, broadcast, polls, and what the server says of them.
 * Views read it and call its verbs; each change ends in `onchange`.
 */

import { page } from "../page.js";
import { Armed } from "./armed.js";
import { Broadcast } from "./broadcast.js";
import { Composer } from "./composer/composer.js";
import { Device, Devices } from "./devices.js";
import { Gauge } from "./gauge.js";
import { dropKey, keepKey, keyIn, takeKey } from "./key.js";
import { Hearing } from "./hearing.js";
import { Level } from "./level.js";
import { Phase, onAir } from "./lifecycle.js";
import { ObsSetup } from "./obs_setup.js";
import { PollUpdates } from "./poll_updates.js";
import { Polls } from "./polls.js";
import { qualityBelow } from "./quality.js";
import { Access, ServerState } from "./server_state.js";
import { Told } from "./told.js";
import { WakeLock } from "./wake.js";
import { keepWay, socketSupported, takeWay } from "./ways.js";

const TOLD_MS = 5_000;

export class Desk {
  stream = page.stream;
  /** Which panel is chosen; `wide` shows the first one beside the others. */
  panel = "camera";
  wide = false;
  /** Whether this browser can go live over the WebSocket. */
  canSocket = true;

  #key;
  #onchange;
  #updates;
  #told;

  /** @param {() => void} onchange */
  constructor(onchange) {
    this.#onchange = onchange;
    this.#told = new Told(TOLD_MS, onchange);
    const way = takeWay(location.hash);
    this.#key = takeKey(this.stream.id);
    const key = () => this.#key;
    this.server = new ServerState(this.stream.id, key, {
      isOnAir: () => this.onAir,
      onchange,
      onhealth: () => this.#healthCame(),
      onrefused: () => {
        dropKey(this.stream.id);
        this.#key = "";
      },
    });
    this.obs = new ObsSetup(this.stream.id, key, onchange);
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
    this.#updates = new PollUpdates(this.polls);
    this.composer = new Composer(onchange, key);
    this.goLive = new Armed(onchange, () => this.#start(this.contested));
    this.end = new Armed(onchange, () => this.stop());
    this.close = new Map();
  }

  /** What was just done, a msgid. */
  get told() {
    return this.#told.sentence;
  }

  get access() {
    return this.server.access;
  }

  get health() {
    return this.server.health;
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
    if (this.elsewhere) return this.server.uptime;
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
      this.server.allow(Access.NO_KEY);
      return;
    }
    await this.server.check();
    if (this.access !== Access.OPEN) return;
    this.server.follow();
    this.polls.load();
    this.composer.begin();
    if (await Devices.allowed()) await this.openDevices();
  }

  /** Tries what somebody typed or pasted at the gate. */
  async enter(text) {
    const key = keyIn(text);
    if (!key) return;
    this.#key = key;
    keepKey(this.stream.id, key);
    this.server.allow(Access.CHECKING);
    await this.begin();
  }

  #pollsChanged() {
    this.#updates.follow(this.server.feed);
    this.#onchange();
  }

  #healthCame() {
    if (this.broadcast.error?.status === 409 && !this.server.unreachable && !this.elsewhere) {
      this.broadcast.forget();
    }
    if (this.access === Access.OPEN) this.#updates.refresh();
    this.#onchange();
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
    this.server.beginCount();
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
    this.server.check();
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
    const kept = await this.polls.keep(this.composer.toBody(now), this.composer.editing);
    if (!kept) return false;
    this.composer.reset();
    this.tell(keptWord(kept));
    return true;
  }

  /** @param {string} sentence a msgid */
  tell(sentence) {
    this.#told.say(sentence);
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

  /** The page goes: the broadcast ends with it, and the server is told. */
  leave() {
    this.broadcast.stop();
    this.devices.close();
    this.server.close();
  }
}

/** @returns {string} a msgid */
function keptWord({ state }) {
  if (state === "open") return "Your question is on your viewers' screens.";
  return state === "scheduled" ? "It will open by itself." : "Kept as a draft.";
}
