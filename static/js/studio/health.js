/**
 * How well the broadcast leaves this device: numbers from getStats, and one word for people.
 * Pure: reports in, values out.
 */

export const Word = Object.freeze({
  MEASURING: "measuring",
  GOOD: "good",
  UPLOAD: "upload",
  DEVICE: "device",
  SLOW: "slow",
  STUCK: "stuck",
});

/** A session ramps its bitrate up; no verdict before it had the time to. */
const RAMP_MS = 8_000;
const SPAN_MS = 6_000;
const LOSS = 0.05;
const ROUND_TRIP_MS = 400;

/**
 * @typedef {{at: number, bytes: number, frames: number, lost: number, sent: number,
 *   kbps: number, fps: number, width: number, height: number, roundTripMs: number | null,
 *   loss: number, limit: string}} Sample
 */

function pick(report) {
  const found = { video: null, source: null, remote: null, pair: null, bytes: 0 };
  report.forEach((entry) => {
    if (entry.type === "outbound-rtp") {
      found.bytes += entry.bytesSent ?? 0;
      if (entry.kind === "video") found.video = entry;
    } else if (entry.type === "remote-inbound-rtp" && entry.kind === "video") found.remote = entry;
    else if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded")
      found.pair = entry;
  });
  return found;
}

/**
 * @param {Sample | null} last the sample before
 * @param {RTCStatsReport} report
 * @param {number} at milliseconds, any steady clock
 * @returns {Sample | null} null before the first picture was encoded
 */
export function sample(last, report, at) {
  const { video, remote, pair, bytes } = pick(report);
  if (!video) return null;
  const frames = video.framesEncoded ?? 0;
  const sent = video.packetsSent ?? 0;
  const lost = remote?.packetsLost ?? 0;
  const seconds = last ? Math.max(0.001, (at - last.at) / 1000) : 0;
  const trip = pair?.currentRoundTripTime ?? remote?.roundTripTime;
  return {
    at,
    bytes,
    frames,
    sent,
    lost,
    kbps: last ? Math.max(0, ((bytes - last.bytes) * 8) / 1000 / seconds) : 0,
    fps: last ? Math.max(0, (frames - last.frames) / seconds) : 0,
    width: video.frameWidth ?? 0,
    height: video.frameHeight ?? 0,
    roundTripMs: trip === undefined ? null : trip * 1000,
    loss: last && sent > last.sent ? Math.max(0, (lost - last.lost) / (sent - last.sent)) : 0,
    limit: video.qualityLimitationReason ?? "none",
  };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / (values.length || 1);

/** Whether the rate is still on its way up: a young session, or one that recovers. */
function rising(recent) {
  const half = Math.ceil(recent.length / 2);
  const early = mean(recent.slice(0, half).map((one) => one.kbps));
  return mean(recent.slice(half).map((one) => one.kbps)) > early * 1.1;
}

/**
 * @param {Sample[]} samples oldest first
 * @param {{since: number, now: number, target: number, receiving: boolean}} about `since`: when the
 *   session began; `target`: bit/s; `receiving`: whether the server says that pictures arrive
 * @returns {string} a Word
 */
export function verdict(samples, { since, now, target, receiving }) {
  const recent = samples.filter((one) => one.kbps > 0 && now - one.at <= SPAN_MS);
  if (now - since < RAMP_MS || recent.length < 2) return Word.MEASURING;
  if (!receiving || mean(recent.map((one) => one.fps)) < 1) return Word.STUCK;
  const share = (test) => mean(recent.map((one) => (test(one) ? 1 : 0)));
  const starved = mean(recent.map((one) => one.kbps)) < (target / 1000) * 0.7;
  if (mean(recent.map((one) => one.loss)) > LOSS) return Word.UPLOAD;
  if (starved && share((one) => one.limit === "bandwidth") > 0.6)
    return rising(recent) ? Word.MEASURING : Word.UPLOAD;
  if (share((one) => one.limit === "cpu") > 0.6 && mean(recent.map((one) => one.fps)) < 20)
    return Word.DEVICE;
  const trips = recent.filter((one) => one.roundTripMs !== null);
  if (trips.length && mean(trips.map((one) => one.roundTripMs)) > ROUND_TRIP_MS) return Word.SLOW;
  return Word.GOOD;
}
