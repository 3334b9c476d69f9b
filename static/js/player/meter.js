// How much a path takes from the line. Pure: `now` in milliseconds.

const LOOK_BACK_MS = 20_000;
const LEAST_MS = 3000;

export class Meter {
  constructor() {
    this.readings = [];
    this.route = null;
  }

  /** @param {import("./path.js").Path|null} route which may count no bytes */
  read(now, route) {
    if (route !== this.route) {
      this.route = route;
      this.readings = [];
    }
    const bytes = route?.bytes;
    // What comes at once at a join says nothing about an hour.
    if (typeof bytes !== "number" || !route.isJoined) return;
    this.readings.push({ now, bytes });
    while (this.readings[0].now < now - LOOK_BACK_MS) this.readings.shift();
  }

  /** Over the last twenty seconds; null while that is too short a time to say, or not counted. */
  get bytesPerSecond() {
    const [first] = this.readings;
    const last = this.readings.at(-1);
    if (!first || last.now - first.now < LEAST_MS) return null;
    return ((last.bytes - first.bytes) * 1000) / (last.now - first.now);
  }

  /** Millions of bytes an hour, or null. */
  get megabytesPerHour() {
    const rate = this.bytesPerSecond;
    return rate === null ? null : (rate * 3600) / 1e6;
  }
}
