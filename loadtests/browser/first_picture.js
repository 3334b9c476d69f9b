// Before any page script: remembers when the page's first video frame was shown, in milliseconds
// since the navigation began.
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function remember(callback) {
  return ask.call(this, (now, shown) => {
    window.loadTestFirstPicture ??= now;
    callback(now, shown);
  });
};
