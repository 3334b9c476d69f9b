/**
 * The life of one broadcast from this page, as one table.
 *
 * A move that the table does not hold throws: whoever asked for it has lost track of the state.
 */

export const Phase = Object.freeze({
  CHECK: "check",
  CONNECTING: "connecting",
  LIVE: "live",
  PAUSED: "paused",
  RECONNECTING: "reconnecting",
  ENDED: "ended",
});

const MOVES = Object.freeze({
  check: { start: Phase.CONNECTING },
  connecting: { connected: Phase.LIVE, refused: Phase.CHECK, stop: Phase.CHECK },
  live: { interrupted: Phase.PAUSED, lost: Phase.RECONNECTING, stop: Phase.ENDED },
  paused: { resumed: Phase.LIVE, lost: Phase.RECONNECTING, stop: Phase.ENDED },
  reconnecting: { connected: Phase.LIVE, refused: Phase.ENDED, stop: Phase.ENDED },
  ended: { again: Phase.CHECK },
});

/**
 * @param {string} phase one of Phase
 * @param {string} move a move that `phase` allows
 * @returns {string} the next phase
 */
export function after(phase, move) {
  const next = MOVES[phase]?.[move];
  if (!next) throw new Error(`A broadcast that is ${phase} cannot move by "${move}".`);
  return next;
}

/** Whether viewers may be seeing this broadcast: leaving the page would end it. */
export const onAir = (phase) =>
  phase === Phase.LIVE || phase === Phase.PAUSED || phase === Phase.RECONNECTING;
