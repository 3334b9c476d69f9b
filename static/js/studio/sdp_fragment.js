/**
 * SDP fragments (RFC 8840, section 9): what a session's PATCH takes and gives. Pure: text in, text
 * out.
 */

export const FRAGMENT_TYPE = "application/trickle-ice-sdpfrag";

const ICE_LINE = /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)(:|$)/;

const linesOf = (sdp) => sdp.split(/\r\n|\n/).filter(Boolean);

const text = (lines) => `${lines.join("\r\n")}\r\n`;

/** The lines of the first m-section, which carries the bundle's transport. */
function transport(lines) {
  const first = lines.findIndex((line) => line.startsWith("m="));
  const next = lines.findIndex((line, place) => place > first && line.startsWith("m="));
  return lines.slice(first, next < 0 ? undefined : next);
}

const starting = (lines, ...prefixes) =>
  lines.filter((line) => prefixes.some((prefix) => line.startsWith(prefix)));

/**
 * @param {string} sdp the local description
 * @param {string[]} [candidates] only these, instead of all that it holds
 * @param {boolean} [ended] no more will come
 * @returns {string} the fragment to send
 */
export function fragmentOf(sdp, candidates = null, ended = false) {
  const lines = linesOf(sdp);
  const media = transport(lines);
  return text([
    ...starting(lines, "a=group:BUNDLE"),
    media[0],
    ...starting(media, "a=mid:"),
    ...starting(media, "a=ice-ufrag:", "a=ice-pwd:"),
    ...(candidates?.map((candidate) => `a=${candidate}`) ?? starting(media, "a=candidate:")),
    ...(ended ? ["a=end-of-candidates"] : []),
  ]);
}

/**
 * The server's description after an ICE restart: its answer with the fragment's credentials and
 * candidates in place of the last ones.
 * @param {string} answer the description in force
 * @param {string} fragment the body of the PATCH's answer
 */
export function restarted(answer, fragment) {
  const fresh = linesOf(fragment);
  const credentials = starting(fresh, "a=ice-ufrag:", "a=ice-pwd:");
  const candidates = starting(fresh, "a=candidate:", "a=end-of-candidates");
  let first = true;
  const lines = [];
  for (const line of linesOf(answer)) {
    if (ICE_LINE.test(line)) continue;
    lines.push(line);
    if (!line.startsWith("a=mid:")) continue;
    lines.push(...credentials, ...(first ? candidates : []));
    first = false;
  }
  return text(lines);
}
