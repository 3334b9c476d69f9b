// The feed: live numbers and votes on one socket, by the stock Centrifuge client, in JSON.
//
// Watching needs no identity: the connection is anonymous until `identify` is called, which asks
// for a connect token and moves the same subscriptions to an identified connection.

import { Centrifuge, State } from "../vendor/centrifuge.js";
import { identity } from "./identity/identity.js";

const RPC_TIMEOUT_MS = 4000;

export class Feed {
  /** @param {string} url the gateway's address, `ws://host:8081/connection/websocket` */
  constructor(url) {
    this.url = url;
    this.handlers = new Map();
    this.watchers = new Set();
    this.isIdentified = false;
    this.isUp = false;
    this.client = this.#connect({});
    this.stopMeeting = identity.watch(() => this.forgetIdentity());
  }

  /** Calls `onState` with the channel's newest state, at once and at each publication. */
  subscribe(channel, onState) {
    this.handlers.set(channel, onState);
    this.#attach(this.client, channel);
  }

  unsubscribe(channel) {
    this.handlers.delete(channel);
    const subscription = this.client.getSubscription(channel);
    if (!subscription) return;
    subscription.unsubscribe();
    this.client.removeSubscription(subscription);
  }

  /** Calls `onChange(isUp)` now and whenever the line goes or comes back. Returns a stop. */
  watch(onChange) {
    this.watchers.add(onChange);
    onChange(this.isUp);
    return () => this.watchers.delete(onChange);
  }

  /** Makes sure that the connection has an identity; shared by concurrent callers. */
  identify() {
    if (this.isIdentified) return Promise.resolve();
    this.identifying ??= this.#identify().finally(() => {
      this.identifying = null;
    });
    return this.identifying;
  }

  /** Forgets the identity that the server no longer takes; `identify` asks for a new one. */
  forgetIdentity() {
    this.isIdentified = false;
  }

  /**
   * Calls the server. Rejects with {code, message}: below 1000 the line failed and the same call
   * may succeed later; from 1001 on the server has refused it.
   */
  async call(method, body) {
    await this.identify();
    const { data } = await this.client.rpc(method, body);
    return data;
  }

  close() {
    this.stopMeeting();
    this.client.disconnect();
  }

  async #identify() {
    const token = await identity.token();
    const { holder } = identity;
    const before = this.client;
    this.client = this.#connect({ token, getToken: () => this.#renewed(holder) });
    for (const channel of this.handlers.keys()) this.#attach(this.client, channel);
    try {
      await this.client.ready(RPC_TIMEOUT_MS);
    } catch (error) {
      this.#goBack(before);
      throw error;
    }
    this.isIdentified = identity.holder === holder;
    before.disconnect();
  }

  // A connection is one voter's: where the new token is another's, it ends, with the calls that wait
  // on it, and an anonymous one takes over. Null ends it.
  async #renewed(holder) {
    const client = this.client;
    const token = await identity.token();
    if (identity.holder === holder) return token;
    this.forgetIdentity();
    if (client === this.client) {
      this.client = this.#connect({});
      for (const channel of this.handlers.keys()) this.#attach(this.client, channel);
    }
    return null;
  }

  // The anonymous connection is still there: it takes over again, with what changed meanwhile.
  #goBack(before) {
    const failed = this.client;
    this.client = before;
    failed.disconnect();
    for (const [channel, subscription] of Object.entries(before.subscriptions())) {
      if (this.handlers.has(channel)) continue;
      subscription.unsubscribe();
      before.removeSubscription(subscription);
    }
    for (const channel of this.handlers.keys()) {
      if (!before.getSubscription(channel)) this.#attach(before, channel);
    }
    this.#say(before, before.state === State.Connected);
  }

  #connect(options) {
    const client = new Centrifuge(this.url, {
      ...options,
      timeout: RPC_TIMEOUT_MS,
      minReconnectDelay: 250,
      maxReconnectDelay: 8000,
    });
    client.on("connected", () => this.#say(client, true));
    client.on("connecting", () => this.#say(client, false));
    client.on("disconnected", () => this.#say(client, false));
    client.connect();
    return client;
  }

  #say(client, isUp) {
    if (client !== this.client || isUp === this.isUp) return;
    this.isUp = isUp;
    for (const onChange of this.watchers) onChange(isUp);
  }

  #attach(client, channel) {
    const subscription = client.newSubscription(channel);
    const hand = (data) => {
      const onState = this.handlers.get(channel);
      if (onState && data && client === this.client) onState(data);
    };
    subscription.on("subscribed", ({ data }) => hand(data));
    subscription.on("publication", ({ data }) => hand(data));
    subscription.subscribe();
  }
}
