/**
 * Camera and microphone of this device: asking for them, changing them, and getting them back
 * after a phone call took them away.
 */

export const Device = Object.freeze({
  /** Not asked yet. */
  PRIME: "prime",
  ASKING: "asking",
  READY: "ready",
  /** Plain http: the browser has no camera to give. */
  INSECURE: "insecure",
  UNSUPPORTED: "unsupported",
  DENIED: "denied",
  MISSING: "missing",
  BUSY: "busy",
  FAILED: "failed",
});

const RETRY_MS = 2_000;

const PICTURE = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/**
 * @param {DOMException} error of getUserMedia
 * @returns {string} the Device state it means
 */
export function stateFor(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return Device.DENIED;
    case "NotFoundError":
    case "OverconstrainedError":
      return Device.MISSING;
    case "NotReadableError":
    case "AbortError":
      return Device.BUSY;
    default:
      return Device.FAILED;
  }
}

export class Devices {
  state = Device.PRIME;
  /** @type {MediaStream | null} what goes on air */
  media = null;
  /** @type {{id: string, label: string}[]} */
  cameras = [];
  microphones = [];
  camera = "";
  microphone = "";
  /** Muted by the candidate. */
  muted = false;
  /** No microphone at all: viewers will hear nothing. */
  soundless = false;
  /** "video" or "audio" while the system has taken that track away, else "". */
  interruption = "";

  #facing = "user";
  #onchange;
  #ontrack;
  #onlist = () => this.#list().then(() => this.#onchange());
  #retry = 0;
  #swapping = false;

  /**
   * @param {() => void} onchange
   * @param {(track: MediaStreamTrack) => void} ontrack another track now stands in `media`
   */
  constructor(onchange, ontrack) {
    this.#onchange = onchange;
    this.#ontrack = ontrack;
    if (!navigator.mediaDevices?.getUserMedia) {
      this.state = globalThis.isSecureContext ? Device.UNSUPPORTED : Device.INSECURE;
    }
  }

  /** Whether the browser will give the camera without asking again. */
  static async allowed() {
    try {
      const answers = await Promise.all(
        ["camera", "microphone"].map((name) => navigator.permissions.query({ name })),
      );
      return answers.every((answer) => answer.state === "granted");
    } catch {
      return false;
    }
  }

  get track() {
    return this.media?.getVideoTracks()[0] ?? null;
  }

  /** The picture is taller than wide: a phone held upright. */
  get upright() {
    const { width = 16, height = 9 } = this.track?.getSettings() ?? {};
    return height > width;
  }

  /** The camera that looks at the candidate; shown mirrored, as people know themselves. */
  get selfie() {
    return this.track?.getSettings().facingMode === "user";
  }

  /** Asks for both; the outcome stands in `state`. */
  async open() {
    if (this.state === Device.INSECURE || this.state === Device.UNSUPPORTED) return;
    this.#set(Device.ASKING);
    try {
      this.#take(await this.#ask());
    } catch (error) {
      this.#set(stateFor(error));
      return;
    }
    await this.#list();
    navigator.mediaDevices.addEventListener("devicechange", this.#onlist);
    this.#set(Device.READY);
  }

  async #ask() {
    try {
      this.soundless = false;
      return await navigator.mediaDevices.getUserMedia({
        video: this.#picture(),
        audio: this.#sound(),
      });
    } catch (error) {
      if (stateFor(error) !== Device.MISSING) throw error;
      // One of the two is not there. A camera alone is worth going live with; a voice alone is not.
      this.camera = this.microphone = "";
      const media = await navigator.mediaDevices.getUserMedia({ video: this.#picture() });
      this.soundless = true;
      return media;
    }
  }

  #picture() {
    return this.camera
      ? { ...PICTURE, deviceId: { exact: this.camera } }
      : { ...PICTURE, facingMode: { ideal: this.#facing } };
  }

  #sound() {
    return this.microphone ? { ...SOUND, deviceId: { exact: this.microphone } } : { ...SOUND };
  }

  #take(media) {
    this.media = media;
    for (const track of media.getTracks()) this.#adopt(track);
  }

  #adopt(track) {
    const { deviceId = "" } = track.getSettings();
    if (track.kind === "video") this.camera = deviceId;
    else {
      this.microphone = deviceId;
      track.enabled = !this.muted;
    }
    const look = () => this.#look();
    for (const event of ["mute", "unmute", "ended"]) track.addEventListener(event, look);
    this.#look();
  }

  /** Looks for a track that the system has taken; while one is being exchanged, none counts. */
  #look() {
    const gone = this.media
      ?.getTracks()
      .find((track) => track.muted || track.readyState === "ended");
    if (this.#swapping) return;
    this.interruption = gone?.kind ?? "";
    clearTimeout(this.#retry);
    if (gone?.readyState === "ended") {
      this.#retry = setTimeout(() => this.#restore(gone.kind), RETRY_MS);
    }
    this.#onchange();
  }

  /** Takes an ended track's device again, as often as it needs. */
  async #restore(kind) {
    try {
      await this.#swap(kind);
    } catch {
      this.#look();
    }
  }

  async #list() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const named = (kind) =>
      all
        .filter((device) => device.kind === kind && device.deviceId)
        .map((device) => ({ id: device.deviceId, label: device.label }));
    this.cameras = named("videoinput");
    this.microphones = named("audioinput");
  }

  /** Puts the chosen device's track in place of the present one. */
  async #swap(kind) {
    const old = this.media.getTracks().find((track) => track.kind === kind);
    // Phones have one camera pipeline: the old track has to go before the other camera opens.
    old?.stop();
    clearTimeout(this.#retry);
    this.#swapping = true;
    let fresh;
    try {
      fresh = await navigator.mediaDevices.getUserMedia(
        kind === "video" ? { video: this.#picture() } : { audio: this.#sound() },
      );
    } finally {
      this.#swapping = false;
    }
    const [track] = fresh.getTracks();
    if (!this.media) {
      track.stop();
      return;
    }
    if (old) this.media.removeTrack(old);
    this.media.addTrack(track);
    this.#adopt(track);
    this.#ontrack(track);
  }

  async chooseCamera(id) {
    const before = this.camera;
    this.camera = id;
    await this.#choose("video", () => (this.camera = before));
  }

  async chooseMicrophone(id) {
    const before = this.microphone;
    this.microphone = id;
    await this.#choose("audio", () => (this.microphone = before));
  }

  async #choose(kind, back) {
    this.#onchange();
    try {
      await this.#swap(kind);
    } catch {
      back();
      await this.#swap(kind).catch(() => this.#look());
    }
    this.#onchange();
  }

  /** Front to back on a phone, the next camera elsewhere. */
  async flip() {
    const facing = this.track?.getSettings().facingMode;
    if (facing) {
      const before = this.camera;
      this.#facing = facing === "user" ? "environment" : "user";
      this.camera = "";
      await this.#choose("video", () => (this.camera = before));
      return;
    }
    const place = this.cameras.findIndex((camera) => camera.id === this.camera);
    await this.chooseCamera(this.cameras[(place + 1) % this.cameras.length].id);
  }

  setMuted(muted) {
    this.muted = muted;
    for (const track of this.media?.getAudioTracks() ?? []) track.enabled = !muted;
    this.#onchange();
  }

  /** Gives camera and microphone back; their lights go out. */
  close() {
    clearTimeout(this.#retry);
    navigator.mediaDevices?.removeEventListener("devicechange", this.#onlist);
    const tracks = this.media?.getTracks() ?? [];
    this.media = null;
    this.interruption = "";
    for (const track of tracks) track.stop();
    if (this.state === Device.READY) this.#set(Device.PRIME);
  }

  #set(state) {
    this.state = state;
    this.#onchange();
  }
}
