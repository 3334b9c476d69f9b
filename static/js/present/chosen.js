/** Which poll a hall's screen shows; pure. */

/**
 * The open or shown poll that was opened or shown last; where none is open, whatever happened last.
 * @param {object[]} polls rows of the API
 * @returns {object | null}
 */
export function chosen(polls) {
  const begun = polls.filter((poll) => poll.opened_at && poll.state !== "archived");
  const isOpen = begun.some((poll) => poll.state === "open");
  const moment = (poll) =>
    Math.max(
      poll.opened_at ?? 0,
      poll.shown_at ?? 0,
      isOpen && poll.state !== "open" ? 0 : (poll.closed_at ?? 0),
    );
  return begun.reduce((best, poll) => (!best || moment(poll) > moment(best) ? poll : best), null);
}

/** Rows anew, each with whichever tally is newer. */
export function merged(known, fresh) {
  const before = new Map(known.map((poll) => [poll.id, poll]));
  for (const poll of fresh) {
    const old = before.get(poll.id)?.tally;
    const isOlder = old && poll.tally && old.seq > poll.tally.seq;
    before.set(poll.id, isOlder ? { ...poll, tally: old } : poll);
  }
  return [...before.values()];
}
