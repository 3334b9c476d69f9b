// When a caption begins: with the picture that its captioner saw at the first keystroke.

/**
 * @param {{startedAt: number|null, mediaTime: number|null, typedFor: number}} seen `startedAt` is
 *   the Unix time of media time 0, `mediaTime` that of the picture shown now, `typedFor` how long
 *   ago the line was begun; all in seconds
 * @returns {number|null} Unix seconds on the broadcast's clock; null where nothing was seen
 */
export function beganAt({ startedAt, mediaTime, typedFor }) {
  if (startedAt == null || mediaTime == null || !Number.isFinite(mediaTime)) return null;
  return startedAt + Math.max(0, mediaTime - typedFor);
}
