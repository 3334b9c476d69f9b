// The media socket: Centrifuge's commands and replies as MessagePack maps, on one channel.
// It carries nothing but media, so that a vote (on the feed's own socket) never waits behind video.

import { decode, encode } from "../../vendor/msgpack.js";
import { Backoff } from "./backoff.js";

const CONNECT = 1;
const RESUBSCRIBE_FROM = 2500;
const NOT_NOW_MS = 2000;
const ANSWER_MS = 8000;
const PING_GRACE_MS = 10_000;
const PING_DEFAULT_SECONDS = 25;

/** Centrifuge: these close codes say "do not come back". */
const isFinal = (code) => (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);

export class MediaSocket {
  /**
   * @param {{url: string, stream: string, audio: "opus"|"aac"|null, video: boolean}} where
   * @param {{onJoin: (data: object) => void, onPart: (part: object) => void,
   *   onLost: (facts: {opened: boolean, tries: number}) => void,
   *   onRefused: (error: {code: number, message: string}) => void}} events
   */
  constructor(where, events) {
    this.where = where;
    this.events = events;
    this.backoff = new Backoff();
    this.stopped = true;
    this.isJoined = false;
    this.isAsking = false;
    this.bytes = 0;
  }

  start() {
    this.stopped = false;
    this.#open();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.retry);
    this.#drop();
  }

  /** Leaves and joins again at once: a new replay from the last keyframe. */
  rejoin() {
    if (this.stopped) return;
    clearTimeout(this.retry);
    this.#drop();
    this.#open();
  }

  #open() {
    const socket = new WebSocket(this.where.url, ["streamd.msgpack"]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.opened = false;
    this.pingMs = ANSWER_MS;
    socket.onopen = () => this.#hello(socket);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lost(code);
    this.#watch();
  }

  #hello(socket) {
    this.last = CONNECT;
    socket.send(encode({ id: CONNECT, connect: { name: "player" } }));
    this.#subscribe();
  }

  // Does not wait for the connect's reply: one round trip less before the first picture.
  #subscribe() {
    const { stream, audio, video } = this.where;
    this.last += 1;
    this.isAsking = true;
    const subscribe = { channel: `media:${stream}`, data: { audio, video } };
    this.socket.send(encode({ id: this.last, subscribe }));
  }

  #receive(frame) {
    this.bytes += frame.byteLength;
    this.#watch();
    const message = decode(new Uint8Array(frame));
    for (const reply of Array.isArray(message) ? message : [message]) this.#take(reply);
  }

  #take(reply) {
    if (reply.push) this.#pushed(reply.push);
    else if (reply.error) this.#refused(reply.error);
    else if (reply.connect) this.#connected(reply.connect);
    else if (reply.subscribe) this.#joined(reply.subscribe);
    else if (Object.keys(reply).length === 0) this.socket.send(encode({}));
  }

  #connected({ ping }) {
    this.pingMs = (ping || PING_DEFAULT_SECONDS) * 1000 + PING_GRACE_MS;
    this.#watch();
  }

  #joined({ data }) {
    this.opened = true;
    this.isJoined = true;
    this.isAsking = false;
    this.backoff.reset();
    this.events.onJoin(data);
  }

  #pushed({ pub, unsubscribe, disconnect }) {
    if (pub) this.events.onPart(pub.data);
    else if (unsubscribe) this.#unsubscribed(unsubscribe);
    else if (disconnect) this.#lost(disconnect.code);
  }

  // A new generation begins: the server asks us to join it on the same line.
  #unsubscribed({ code }) {
    this.isJoined = false;
    if (code >= RESUBSCRIBE_FROM) this.#subscribe();
    else this.#again(() => this.#subscribe());
  }

  // Nobody broadcasts just now, or this is not for us: the line stays, the question is asked again.
  #refused(error) {
    this.isJoined = this.isAsking = false;
    this.events.onRefused(error);
    const { socket } = this;
    this.#again(() => socket === this.socket && this.#subscribe(), NOT_NOW_MS);
  }

  #lost(code) {
    if (this.stopped) return;
    const { opened } = this;
    this.#drop();
    if (isFinal(code)) {
      this.stopped = true;
      this.events.onRefused({ code, message: "" });
      return;
    }
    this.events.onLost({ opened, tries: this.backoff.tries });
    this.#again(() => this.#open());
  }

  #again(act, most = Infinity) {
    clearTimeout(this.retry);
    if (!this.stopped) this.retry = setTimeout(act, Math.min(most, this.backoff.next()));
  }

  // A line that died without saying so: nothing came for longer than the server's own ping.
  #watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.#lost(0), this.pingMs);
  }

  #drop() {
    clearTimeout(this.silence);
    this.isJoined = this.isAsking = false;
    const { socket } = this;
    if (!socket) return;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
