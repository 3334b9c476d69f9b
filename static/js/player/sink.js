// Media Source Extensions: one SourceBuffer a track, each with its own append queue.

/** The browser's MediaSource: the managed one where there is one (iOS has no other). */
export const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;

const KEEP_BEHIND_SECONDS = 20;
const MOST_BEHIND_SECONDS = 30;
const QUEUE_BYTES = 16 * 1024 * 1024;

const mime = (kind, codec) => `${kind === "v" ? "video" : "audio"}/mp4; codecs="${codec}"`;

/** True where this browser plays `codec` (RFC 6381) as a track of `kind` ("v" or "a"). */
export function plays(kind, codec) {
  return Boolean(Source && Source.isTypeSupported(mime(kind, codec)));
}

/** A MediaSource, attached at once to one video element, for one generation of a stream. */
export class Sink {
  /**
   * @param {HTMLVideoElement} video
   * @param {{onAppend: () => void, onFault: (error: Error) => void}} events
   */
  constructor(video, events) {
    this.video = video;
    this.events = events;
    this.tracks = new Map();
    this.waiting = [];
    this.closed = false;
    this.opened = this.#attach();
  }

  async #attach() {
    this.source = new Source();
    this.video.disableRemotePlayback = true;
    const url = URL.createObjectURL(this.source);
    const opened = new Promise((resolve) => {
      this.source.addEventListener("sourceopen", resolve, { once: true });
    });
    this.video.src = url;
    await opened;
    URL.revokeObjectURL(url);
  }

  /** Adds `tracks` ({v|a: {codec, init}}); parts given meanwhile wait in order. */
  async open(tracks) {
    await this.opened;
    if (this.closed) return;
    for (const [kind, { codec, init }] of Object.entries(tracks)) {
      const buffer = this.source.addSourceBuffer(mime(kind, codec));
      const queue = new AppendQueue(buffer, codec, this.video, this.events);
      queue.put(init);
      this.tracks.set(kind, queue);
    }
    for (const part of this.waiting.splice(0)) this.push(part);
  }

  /** Appends a part's tracks; a part with `init` changes their configuration first. */
  push(part) {
    if (this.closed) return;
    if (this.tracks.size === 0) {
      this.waiting.push(part);
      return;
    }
    for (const [kind, queue] of this.tracks) {
      const changed = part.init && part.init[kind];
      if (changed) queue.change(changed.codec, mime(kind, changed.codec), changed.init);
      if (part[kind]) queue.put(part[kind]);
    }
  }

  /** Where the newest playable media ends, in seconds; null before any. */
  get end() {
    const { buffered } = this.video;
    return buffered.length === 0 ? null : buffered.end(buffered.length - 1);
  }

  /** Where the newest unbroken run of playable media starts, in seconds; null before any. */
  get start() {
    const { buffered } = this.video;
    return buffered.length === 0 ? null : buffered.start(buffered.length - 1);
  }

  /** Seconds of unbroken media ahead of the playhead; 0 where it stands in a hole. */
  get ahead() {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (currentTime >= buffered.start(i) - 0.001 && currentTime <= buffered.end(i)) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  /** Drops media far behind the playhead. */
  trim() {
    for (const queue of this.tracks.values()) queue.trim();
  }

  close() {
    this.closed = true;
    this.waiting = [];
    for (const queue of this.tracks.values()) queue.close();
  }
}

// SourceBuffer takes one operation at a time. Bytes that wait are joined into one append.
class AppendQueue {
  constructor(buffer, codec, video, events) {
    this.buffer = buffer;
    this.codec = codec;
    this.video = video;
    this.events = events;
    this.items = [];
    this.bytes = 0;
    this.closed = false;
    this.onUpdate = () => {
      this.events.onAppend();
      this.#next();
    };
    buffer.addEventListener("updateend", this.onUpdate);
  }

  put(bytes) {
    this.items.push({ bytes });
    this.bytes += bytes.byteLength;
    if (this.bytes > QUEUE_BYTES) {
      this.#fault(new Error("The decoder does not keep up with the stream."));
      return;
    }
    this.#next();
  }

  change(codec, type, init) {
    this.items.push({ bytes: init, type: codec === this.codec ? null : type });
    this.codec = codec;
    this.bytes += init.byteLength;
    this.#next();
  }

  trim() {
    const { buffered } = this.buffer;
    if (this.closed || buffered.length === 0) return;
    if (this.video.currentTime - buffered.start(0) <= MOST_BEHIND_SECONDS) return;
    this.items.unshift({ removeTo: this.video.currentTime - KEEP_BEHIND_SECONDS });
    this.#next();
  }

  close() {
    this.closed = true;
    this.items = [];
    this.buffer.removeEventListener("updateend", this.onUpdate);
  }

  #next() {
    if (this.closed || this.buffer.updating || this.items.length === 0) return;
    const item = this.items[0];
    try {
      if (item.removeTo !== undefined) {
        this.items.shift();
        this.buffer.remove(0, item.removeTo);
      } else {
        if (item.type) this.buffer.changeType(item.type);
        item.type = null;
        this.#append();
      }
    } catch (error) {
      if (error.name === "QuotaExceededError" && this.#makeRoom()) return;
      this.#fault(error);
    }
  }

  #append() {
    let count = 1;
    while (count < this.items.length && isPlain(this.items[count])) count += 1;
    const bytes = joined(this.items.slice(0, count).map((item) => item.bytes));
    this.buffer.appendBuffer(bytes);
    this.items.splice(0, count);
    this.bytes -= bytes.byteLength;
  }

  #makeRoom() {
    const { buffered } = this.buffer;
    const until = this.video.currentTime - 1;
    if (buffered.length === 0 || buffered.start(0) >= until) return false;
    this.buffer.remove(0, until);
    return true;
  }

  #fault(error) {
    this.close();
    this.events.onFault(error);
  }
}

const isPlain = (item) => item.removeTo === undefined && !item.type;

function joined(chunks) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
