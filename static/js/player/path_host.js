// What the player lends its paths, and what it does at their word (path.js has both interfaces).

/**
 * @param {import("./player.js").StreamdPlayer} player
 * @returns {import("./router.js").Host}
 */
export function pathHost(player) {
  return {
    what: (mode) => ({
      video: player.video,
      url: player.feedUrl,
      hls: player.hlsUrl,
      whep: player.whepUrl,
      stream: player.stream?.id ?? "",
      sound: player.variant === "full",
      mode,
    }),
    events: (isCurrent) => events(player, isCurrent),
    beforeSwitch: () => player.still.hold(),
    isOnAir: () => player.isOnAir,
    onOver: () => player.leave(),
    onSlow: () => player.notice.slow(),
    onFallback: (from, to, reason) => player.attendance.fellBack(from, to, reason),
  };
}

function events(player, isCurrent) {
  const asked = performance.now();
  player.firstPictureMs = null;
  player.video.requestVideoFrameCallback?.((shown) => {
    if (isCurrent()) player.firstPictureMs = Math.round(shown - asked);
  });
  const current = (act) => (given) => {
    if (!isCurrent()) return;
    act(given);
    player.requestUpdate();
  };
  return {
    onJoin: current((facts) => joined(player, facts)),
    onReplace: current(() => player.still.hold()),
    onPlaying: current(() => player.play()),
    onWaiting: current(() => player.lags.waitSoon()),
    onLost: current(() => player.lags.offlineSoon()),
    onRefused: current(() => player.lags.offlineSoon()),
    onGiveUp: current((reason = "network") => player.router.giveUp(reason)),
    onSkipped: current(() => player.notice.skipped()),
    onStill: current((still) => player.still.show(still)),
    onCues: (cues) => isCurrent() && player.dispatchEvent(new CustomEvent("cues", { detail: cues })),
  };
}

function joined(player, { audio, video = true }) {
  player.hasAudio = audio;
  player.hasVideo = video;
  if (!video && player.mode === "video") player.still.release();
  player.lags.joined();
  player.rewind.look();
}
