// Polls' cues in an HLS playlist (EXT-X-DATERANGE, RFC 8216bis section 4.4.5.1), as hls.js reads it.

const CLASS_NAME = "streamd.poll";

/**
 * @param {Record<string, {id: string, class: string, startDate: Date, attr: object}>|undefined} ranges
 * @returns {import("./cues.js").PollCue[]}
 */
export function cuesOf(ranges) {
  return Object.values(ranges ?? {})
    .filter((range) => range.class === CLASS_NAME && range.attr["X-POLL"])
    .map(({ id, startDate, attr }) => ({
      id,
      at: startDate.getTime() / 1000,
      poll: attr["X-POLL"],
      action: attr["X-ACTION"],
      rev: Number(attr["X-REV"] ?? 0),
    }));
}
