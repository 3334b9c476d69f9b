// The one interface of every path, and which paths there are. A path brings one stream to one
// <video>; the player chooses it, listens to it, and leaves it for another when it gives up.
//
// The rules, for whoever writes a path:
// - `start` may be called again after `stop`; a stopped path touches the video no more, calls no
//   event, and has taken its source off the element (`srcObject = null` where it set one).
// - It reconnects by itself and says so (`onLost`), until it has reason to believe that another path
//   would do better: then one `onGiveUp`, upon which it is stopped.
// - Before it replaces what the element shows (a new MediaSource, a new peer connection) it calls
//   `onReplace`: the player keeps the last picture on screen until the element plays again.

/**
 * What a path is told. `mode` "audio" is the data saver: sound, and a still now and then.
 * @typedef {object} What
 * @property {HTMLVideoElement} video
 * @property {string} stream the stream's id
 * @property {string} url the gateway's address, for "ws"
 * @property {string} hls the multivariant playlist's address, for "hls"
 * @property {string} whep the WHEP endpoint's address, for "whep"
 * @property {boolean} sound false where nobody will hear it (thumbnails): no audio is fetched
 * @property {"video"|"audio"} mode
 */

/**
 * Why a path gives up. The first three hold for this generation of the stream; the others pass.
 * - "unsupported": this browser, or this way in, cannot carry it at all
 * - "codec": the browser does not take the stream's codec or profile (WHEP: 406 `profile`)
 * - "b-frames": WebRTC cannot carry them (WHEP: 406 `b-frames`)
 * - "network": no connection came about, or it broke and stayed broken
 * - "media": the browser's decoder failed again and again
 * - "stuck": connected, and yet nothing moves
 * @typedef {"unsupported"|"codec"|"b-frames"|"network"|"media"|"stuck"} Reason
 */

/**
 * One still picture of the data saver.
 * @typedef {{t: number, codec: string, init: Uint8Array, v: Uint8Array}} StillPart
 */

/**
 * What a path tells the player.
 * @typedef {object} Events
 * @property {(facts: {audio: boolean, video?: boolean}) => void} onJoin tracks are there;
 *   `video` is true where left out
 * @property {() => void} onReplace the element's source is about to be replaced
 * @property {() => void} onPlaying media is there: the player calls `video.play()`
 * @property {() => void} onWaiting the playhead ran dry
 * @property {() => void} onLost the connection broke; the path tries again
 * @property {(error?: {code: number, message: string}) => void} onRefused nobody broadcasts, or not to us
 * @property {(reason?: Reason) => void} onGiveUp the player takes another path
 * @property {(parts: number) => void} [onSkipped] the server passed over this many parts for us
 * @property {(still: StillPart) => void} [onStill] a still is due now
 * @property {(cues: import("./cues.js").PollCue[]) => void} [onCues] cues stand in the media; the
 *   same ones again and again
 */

/**
 * A path. Times in milliseconds unless said otherwise.
 * @typedef {object} Path
 * @property {"ws"|"hls"|"whep"|"dvr"} name
 * @property {() => void|Promise<void>} start
 * @property {() => void} stop
 * @property {() => void} catchUp moves the playhead to live (after a pause, a hidden tab)
 * @property {() => void} rejoin leaves and joins again at once
 * @property {boolean} isJoined true while media is coming, or about to
 * @property {number} bufferMs media ahead of the playhead
 * @property {number} rebuffers how often the playhead ran dry
 * @property {(startedAt: number|null, now: number) => number|null} latencyMs how far behind live;
 *   both arguments in Unix seconds, `startedAt` that of media time 0
 * @property {number} [gen] the generation that plays, 0 while unknown
 * @property {number|null} [mediaTime] media time of the picture shown, in seconds; for captions
 * @property {number|null} [at] the same as a Unix time, where the path knows it by itself (HLS)
 * @property {(metadata: object) => number|null} [pictureTime] that of a picture of
 *   requestVideoFrameCallback, where `mediaTime` in it is not the element's time
 * @property {boolean} [isFilling] true while something large is on its way that `bytes` does not show
 * @property {number} [bytes] bytes received since the start; for the megabytes an hour
 */

/**
 * Watching the past of a live broadcast: `dvr.js` exports `DvrPath`, a path with name "dvr" on the
 * playlist of what is recorded so far. The player shows a time slider while `reach` says that there
 * is a past, starts this path when the viewer moves back (`at` stands in What), and leaves it for
 * the chosen live path at "Live". All times are Unix seconds.
 * @typedef {object} Past
 * @property {number} from the first recorded picture's time; grows where old ones are let go
 * @property {number} to the newest recorded picture's time
 * @property {string} recording the id of what is recorded
 *
 * @typedef {Path & {at: number|null, seek: (at: number) => void}} PastPath
 *   `at`: the time of the picture shown, null before there is one
 *
 * `DvrPath.reach(what): Promise<Past|null>`: asked when a broadcast is joined and, at most every 30
 * seconds, when the viewer stirs; null where nothing is recorded, or nothing can be played here.
 */

/**
 * A path's class: `new PathClass(what, events)`.
 * `able(what)`: may this browser try it with these addresses? Cheap, and asked before every choice.
 * @typedef {{new(what: What, events: Events): Path, able(what: What): boolean}} PathClass
 */

export {};
