// From RTP timestamps to media time, as the WHEP endpoint relates them (streamd/web/whep.py). Pure.

const RATE = 90_000;
const WRAP_SECONDS = 2 ** 32 / RATE;

export class RtpClock {
  /** @param {{gen: number, started: number, video: number}} facts `video`: media time 0's timestamp */
  constructor({ gen, started, video }) {
    this.gen = gen;
    this.started = started;
    this.video = video;
  }

  /** From a response's Link headers, or null. */
  static fromLink(link) {
    const found = (link ?? "").match(/<[^>]*>;[^<]*whep:ext:streamd:clock[^<]*/);
    if (!found) return null;
    const read = (name) => Number(found[0].match(new RegExp(`\\b${name}="?([0-9.]+)`))?.[1]);
    const facts = { gen: read("gen"), started: read("started"), video: read("video") };
    return Object.values(facts).some(Number.isNaN) ? null : new RtpClock(facts);
  }

  /** From the clock's own address. */
  static fromJson({ gen, started_at, video }) {
    return new RtpClock({ gen, started: started_at, video: video.rtp });
  }

  /**
   * Media time in seconds. A timestamp means one moment every 13 hours: the one nearest to `now`.
   * @param {number} timestamp 32 bits
   * @param {number} now Unix seconds
   */
  mediaTime(timestamp, now) {
    const time = ((timestamp - this.video) >>> 0) / RATE;
    const wraps = Math.round((now - this.started - time) / WRAP_SECONDS);
    return time + wraps * WRAP_SECONDS;
  }
}
