// A new device's proof of work: the server's challenge, solved in a worker by altcha's own code.
//
// It begins when the page is loaded, so that a voter does not wait for it; the solution is handed
// in with the first vote. Where the device is known already, there is nothing to solve.

import { serverNow } from "../page.js";

const SPARE_SECONDS = 30;

export class Proof {
  #solving = null;
  #expiresAt = 0;

  /**
   * The solution as POST /api/v1/token takes it, "" where none is needed; begun unless it is at
   * hand or on its way.
   */
  take() {
    if (!this.#solving || serverNow() > this.#expiresAt - SPARE_SECONDS) {
      this.#expiresAt = Infinity; // until the challenge is here
      this.#solving = this.#solve();
      this.#solving.catch(() => this.forget());
    }
    return this.#solving;
  }

  /** It was used, or was not taken: the next `take` begins anew. */
  forget() {
    this.#solving = null;
  }

  async #solve() {
    const kind = globalThis.crypto?.subtle ? "pbkdf2" : "scrypt";
    const response = await fetch(`/api/v1/identity/challenge?kind=${kind}`);
    if (response.status === 204) return "";
    if (!response.ok) throw new Error(`challenge: ${response.status}`);
    const challenge = await response.json();
    this.#expiresAt = challenge.parameters.expiresAt;
    const { counter, derivedKey } = await work(kind, challenge);
    return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } }));
  }
}

async function work(kind, challenge) {
  const worker = new Worker(new URL(`../../vendor/altcha_${kind}.js`, import.meta.url));
  try {
    const solution = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = () => reject(new Error("challenge: the worker failed"));
      worker.postMessage({ type: "work", challenge });
    });
    if (!solution || solution.error) throw new Error("challenge: not solved");
    return solution;
  } finally {
    worker.terminate();
  }
}
