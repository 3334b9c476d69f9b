/** Gathers the microphone's samples into chunks and hands them to the page. */

class SoundChunks extends AudioWorkletProcessor {
  #samples;
  #planes = [];
  #filled = 0;
  #first = 0;

  constructor({ processorOptions }) {
    super();
    this.#samples = processorOptions.samples;
  }

  process([input]) {
    const channels = Math.min(input.length, 2);
    if (!channels) return true;
    if (this.#planes.length !== channels) this.#begin(channels);
    const length = input[0].length;
    for (let taken = 0; taken < length; ) {
      if (!this.#filled) this.#first = currentFrame + taken;
      const count = Math.min(length - taken, this.#samples - this.#filled);
      this.#planes.forEach((plane, channel) =>
        plane.set(input[channel].subarray(taken, taken + count), this.#filled),
      );
      this.#filled += count;
      taken += count;
      if (this.#filled === this.#samples) this.#send();
    }
    return true;
  }

  #begin(channels) {
    this.#planes = Array.from({ length: channels }, () => new Float32Array(this.#samples));
    this.#filled = 0;
  }

  #send() {
    const channels = this.#planes.length;
    const planes = new Float32Array(channels * this.#samples);
    this.#planes.forEach((plane, channel) => planes.set(plane, channel * this.#samples));
    this.port.postMessage({ channels, planes, first: this.#first }, [planes.buffer]);
    this.#filled = 0;
  }
}

registerProcessor("sound-chunks", SoundChunks);
