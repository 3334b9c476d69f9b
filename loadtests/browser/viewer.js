// Measures what a viewer sees and hears. Evaluated in the watch page with the code's layout:
// {width, blocks, bits, rows} as streamd/media/testcard_picture.py describes it.
(layout) => {
  const player = document.querySelector("streamd-player");
  const { video } = player;
  const block = Math.floor(layout.width / layout.blocks);
  const left = Math.floor((layout.width - block * layout.blocks) / 2);
  const canvas = document.createElement("canvas");
  canvas.width = block * layout.blocks;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  // The Unix milliseconds in the picture that is shown now, or null.
  const readClock = () => {
    const scale = video.videoWidth / layout.width;
    const y = Math.floor(video.videoHeight / layout.rows / 2);
    context.drawImage(video, left * scale, y, canvas.width * scale, 1, 0, 0, canvas.width, 1);
    const pixels = context.getImageData(0, 0, canvas.width, 1).data;
    const bits = [];
    for (let i = 0; i < layout.blocks; i += 1) {
      bits.push(pixels[4 * (i * block + Math.floor(block / 2)) + 1] >= 128 ? 1 : 0);
    }
    const end = 2 + layout.bits;
    const isEven = bits.slice(2, end + 1).reduce((sum, bit) => sum + bit, 0) % 2 === 0;
    if (bits[0] !== 1 || bits[1] !== 0 || !isEven || bits[end + 1] !== 1) return null;
    return bits.slice(2, end).reduce((value, bit) => value * 2 + bit, 0);
  };

  let frames = [];
  let unreadable = 0;
  const onFrame = (_, shown) => {
    const now = Date.now();
    const captured = readClock();
    if (captured === null) unreadable += 1;
    else frames.push([captured, now, performance.timeOrigin + shown.expectedDisplayTime]);
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);

  // From the player's decision to join until a frame of the new join is shown. Frames of the old
  // one go on being shown meanwhile, so only those after the element's new load count.
  const rejoin = () =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("no picture within 10 s")), 10_000);
      const started = performance.now();
      const source = () => video.srcObject ?? video.currentSrc;
      const before = source();
      video.addEventListener(
        "loadstart",
        () =>
          video.requestVideoFrameCallback((now) => {
            clearTimeout(late);
            if (source() === before) reject(new Error("the player did not join anew"));
            else resolve(now - started);
          }),
        { once: true },
      );
      player.retry();
    });

  let onsets = [];
  const TAP = `
    // Tells when a tone begins after silence, in Unix milliseconds. Blocks are rendered in bursts,
    // one burst a hardware buffer: the first block of a burst is the one that is on time, so the
    // clock of the samples is taken from the latest readings of the last second.
    registerProcessor("tap", class extends AudioWorkletProcessor {
      constructor() { super(); this.quiet = 0; this.readings = []; }
      process([[samples]]) {
        this.readings.push(Date.now() - (currentFrame / sampleRate) * 1000);
        if (this.readings.length > 375) this.readings.shift();
        if (!samples) return true;
        for (let i = 0; i < samples.length; i += 1) {
          if (Math.abs(samples[i]) > 0.03) {
            if (this.quiet > 0.4 * sampleRate) {
              const sorted = [...this.readings].sort((a, b) => a - b);
              const base = sorted[Math.floor(sorted.length * 0.9)];
              this.port.postMessage(base + ((currentFrame + i) / sampleRate) * 1000);
            }
            this.quiet = 0;
          } else this.quiet += 1;
        }
        return true;
      }
    });`;
  const listen = async () => {
    const audio = new AudioContext({ latencyHint: "interactive" });
    const url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await audio.audioWorklet.addModule(url);
    const tap = new AudioWorkletNode(audio, "tap");
    tap.port.onmessage = ({ data }) => onsets.push(data);
    if (video.srcObject instanceof MediaStream) {
      // An element's source is silent for a stream; the element itself goes on being heard.
      audio.createMediaStreamSource(video.srcObject).connect(tap);
    } else {
      const source = audio.createMediaElementSource(video);
      source.connect(tap);
      source.connect(audio.destination);
    }
    await audio.resume();
  };

  window.loadTest = {
    rejoin,
    listen,
    unmute: () => {
      player.setVolume(1);
    },
    // Everything since the last call.
    take: () => {
      const taken = { frames, onsets, unreadable, ...player.stats, path: player.path };
      frames = [];
      onsets = [];
      unreadable = 0;
      return taken;
    },
  };
}
