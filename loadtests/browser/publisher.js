// Publishes a canvas clock and a tone through WHIP. Evaluated in a page of the server's own origin.
// `layout` as for viewer.js; height in pixels. Resolves once the connection stands.
async ({ layout, height, fps, url, key }) => {
  const canvas = document.createElement("canvas");
  canvas.width = layout.width;
  canvas.height = height;
  document.body.replaceChildren(canvas);
  const context = canvas.getContext("2d");
  const block = Math.floor(layout.width / layout.blocks);
  const left = Math.floor((layout.width - block * layout.blocks) / 2);
  const row = Math.floor(height / layout.rows);

  const codeOf = (time) => {
    const bits = [];
    for (let i = layout.bits - 1; i >= 0; i -= 1) bits.push(Math.floor(time / 2 ** i) % 2);
    return [1, 0, ...bits, bits.reduce((sum, bit) => sum + bit, 0) % 2, 1];
  };

  const paint = () => {
    const now = Date.now();
    context.fillStyle = "#234";
    context.fillRect(0, 0, canvas.width, canvas.height);
    codeOf(now).forEach((bit, index) => {
      context.fillStyle = bit ? "#fff" : "#000";
      context.fillRect(left + index * block, 0, block, row);
    });
    context.fillStyle = "#e84";
    context.fillRect(((canvas.width - row) * (now % 1000)) / 1000, 8 * row, row, row);
    context.font = `${2 * row}px monospace`;
    context.fillText(new Date(now).toISOString().slice(11, 23), 2 * row, 6 * row);
  };

  const picture = canvas.captureStream(0);
  const [video] = picture.getVideoTracks();
  paint();
  setInterval(() => {
    paint();
    video.requestFrame();
  }, 1000 / fps);

  // A tenth of a second of tone from each whole second on.
  const audio = new AudioContext({ sampleRate: 48_000 });
  const tone = new OscillatorNode(audio, { frequency: 1000 });
  const gate = new GainNode(audio, { gain: 0 });
  const out = audio.createMediaStreamDestination();
  tone.connect(gate).connect(out);
  tone.start();
  await audio.resume();
  let next = Math.ceil(Date.now() / 1000) + 1;
  setInterval(() => {
    for (; next * 1000 - Date.now() < 700; next += 1) {
      const at = audio.currentTime + next - Date.now() / 1000;
      gate.gain.setValueAtTime(0.25, at);
      gate.gain.setValueAtTime(0, at + 0.1);
    }
  }, 100);

  const peer = new RTCPeerConnection();
  const sender = peer.addTransceiver(video, { direction: "sendonly", streams: [picture] }).sender;
  peer.addTransceiver(out.stream.getAudioTracks()[0], { direction: "sendonly", streams: [picture] });
  await peer.setLocalDescription();
  await new Promise((resolve) => {
    const look = () => peer.iceGatheringState === "complete" && resolve();
    peer.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, 2000);
    look();
  });
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${key}` },
    body: peer.localDescription.sdp,
  });
  if (answer.status !== 201) throw new Error(`WHIP: ${answer.status} ${await answer.text()}`);
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  const parameters = sender.getParameters();
  parameters.degradationPreference = "maintain-resolution";
  for (const encoding of parameters.encodings) encoding.maxBitrate = 1_200_000;
  await sender.setParameters(parameters);
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`WHIP: ${peer.connectionState}`)), 20_000);
    const look = () => {
      if (peer.connectionState !== "connected") return;
      clearTimeout(late);
      resolve();
    };
    peer.addEventListener("connectionstatechange", look);
    look();
  });
  window.loadTestPeer = peer;
}
