// How long to wait before trying again: doubling from `first`, with jitter so that a crowd thrown
// out together does not come back together.

export class Backoff {
  /** Times in milliseconds. */
  constructor(first = 250, most = 8000, random = Math.random) {
    this.first = first;
    this.most = most;
    this.random = random;
    this.tries = 0;
  }

  /** The next wait in milliseconds; each call waits longer, until `reset`. */
  next() {
    const ceiling = Math.min(this.most, this.first * 2 ** this.tries);
    this.tries += 1;
    return ceiling * (0.5 + this.random() / 2);
  }

  reset() {
    this.tries = 0;
  }
}
