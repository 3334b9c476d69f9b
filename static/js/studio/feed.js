/** The live feed, as the studio reads it: anonymous, this stream and its open polls. */

import { Centrifuge } from "../../vendor/centrifuge.js";

export class Feed {
  #client;
  #polls = new Map();
  #ontally;

  /**
   * @param {string} url the gateway
   * @param {string} stream
   * @param {{onstream: (state: object) => void, ontally: (tally: object) => void,
   *   online: (yes: boolean) => void}} handlers
   */
  constructor(url, stream, { onstream, ontally, online }) {
    this.#ontally = ontally;
    this.#client = new Centrifuge(url, { maxReconnectDelay: 5_000 });
    this.#client.on("connected", () => online(true));
    this.#client.on("connecting", () => online(false));
    this.#client.on("disconnected", () => online(false));
    this.#open(`stream:${stream}`, onstream);
    this.#client.connect();
  }

  #open(channel, handler) {
    const subscription = this.#client.newSubscription(channel);
    subscription.on("subscribed", (context) => context.data && handler(context.data));
    subscription.on("publication", (context) => handler(context.data));
    subscription.subscribe();
    return subscription;
  }

  /** Follows exactly these polls' tallies. */
  follow(ids) {
    for (const id of ids) {
      if (!this.#polls.has(id)) this.#polls.set(id, this.#open(`poll:${id}`, this.#ontally));
    }
    for (const [id, subscription] of this.#polls) {
      if (ids.includes(id)) continue;
      this.#polls.delete(id);
      this.#client.removeSubscription(subscription);
    }
  }

  close() {
    this.#client.disconnect();
  }
}
