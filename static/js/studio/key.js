/**
 * The stream key of this page.
 *
 * It arrives in the URL's fragment, which browsers send to no server, and is taken out of the
 * address bar at once, so that neither a screenshot nor the history holds it. It lives in memory
 * and in sessionStorage (this tab, until it closes) and leaves only as an Authorization header.
 */

const slot = (stream) => `streamd.studio.${stream}`;

/** Session storage throws where the user has blocked it; the key then lives in memory alone. */
function stored(stream) {
  try {
    return sessionStorage.getItem(slot(stream)) ?? "";
  } catch {
    return "";
  }
}

function store(stream, key) {
  try {
    sessionStorage.setItem(slot(stream), key);
  } catch {
    // Memory still has it.
  }
}

/**
 * Takes the key from the fragment, or from this tab's earlier visit.
 * @param {string} stream the stream's id
 * @returns {string} the key, "" if there is none
 */
export function takeKey(stream) {
  const given = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  if (!given) return stored(stream);
  store(stream, given);
  return given;
}

/** Remembers a key that was typed in. */
export function keepKey(stream, key) {
  store(stream, key);
}

/** Forgets the key, after the server has refused it. */
export function dropKey(stream) {
  try {
    sessionStorage.removeItem(slot(stream));
  } catch {
    // Nothing was kept.
  }
}

/**
 * Finds the key in what somebody pasted: a whole invitation link or the bare key.
 * @param {string} text
 * @returns {string}
 */
export function keyIn(text) {
  const trimmed = text.trim();
  const fragment = trimmed.split("#")[1];
  if (fragment === undefined) return trimmed;
  return new URLSearchParams(fragment).get("key") ?? "";
}
