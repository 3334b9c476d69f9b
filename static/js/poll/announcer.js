// Says results and deadlines to screen readers: politely, results at most each ten seconds, and
// each deadline once. The two share one live region so that they never talk over each other.

const RESULTS_EVERY_MS = 10_000;
const DEADLINES = [30, 10];
/** A picture that stutters moves a deadline by less. */
const MORE_SECONDS = 15;

export class Announcer {
  /** @param {(text: string) => void} say */
  constructor(say) {
    this.say = say;
    this.lastResults = -Infinity;
    this.told = new Set();
  }

  /** `text` is a function, so that the sentence is only built when it is said. */
  results(now, text) {
    if (now - this.lastResults < RESULTS_EVERY_MS) return;
    this.lastResults = now;
    this.say(text());
  }

  /** `left` in seconds. */
  deadline(left, text) {
    for (const seconds of DEADLINES) {
      if (left > seconds + MORE_SECONDS) this.told.delete(seconds); // there is more time than there was
      if (left > seconds || left <= seconds - 5 || this.told.has(seconds)) continue;
      this.told.add(seconds);
      this.say(text());
    }
  }
}
