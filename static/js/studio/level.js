/** How loud the microphone is, from 0 (silence) to 1 (clipping). */

const FLOOR_DB = -60;

export class Level {
  #context = null;
  #analyser = null;
  #source = null;
  #samples = new Float32Array(1024);

  /** Listens to the sound of `media`; the sound itself goes nowhere. */
  listen(media) {
    this.close();
    if (!media?.getAudioTracks().length) return;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = this.#samples.length;
    this.#source = this.#context.createMediaStreamSource(media);
    this.#source.connect(this.#analyser);
    this.wake();
  }

  /** Browsers start an AudioContext asleep until the first press on the page. */
  wake() {
    if (this.#context?.state === "suspended") this.#context.resume().catch(() => {});
  }

  /** @returns {number | null} null while the browser does not measure */
  read() {
    if (this.#context?.state !== "running") return null;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / this.#samples.length || 1e-12);
    return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
  }

  close() {
    this.#source?.disconnect();
    this.#context?.close().catch(() => {});
    this.#context = this.#analyser = this.#source = null;
  }
}
