// The canvas over the video: the last picture while what is below it is replaced, and the data
// saver's stills.

import { decodeStill } from "./stills.js";

export class Still {
  /** @param {() => void} onPaint a still has been painted */
  constructor(video, onPaint) {
    this.video = video;
    this.onPaint = onPaint;
    this.canvas = document.createElement("canvas");
    this.canvas.hidden = true;
    this.turn = 0;
  }

  /** Keeps the video's picture in sight until `release`. */
  hold() {
    const { video } = this;
    if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#paint(video, video.videoWidth, video.videoHeight);
  }

  /**
   * Shows a still of the data saver; one that is overtaken while it is decoded is not painted.
   * @param {import("./path.js").StillPart} still
   */
  async show(still) {
    this.turn += 1;
    const { turn } = this;
    try {
      await decodeStill(still, (picture, width, height) => {
        if (turn !== this.turn) return;
        this.#paint(picture, width, height);
        this.onPaint();
      });
    } catch (error) {
      console.info("a still could not be decoded:", error.message);
    }
  }

  release() {
    this.turn += 1;
    this.canvas.hidden = true;
  }

  #paint(picture, width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
    this.canvas.hidden = false;
  }
}
