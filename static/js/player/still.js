// The last picture, kept over the video while the MediaSource below it is rebuilt.

export class Still {
  constructor(video) {
    this.video = video;
    this.canvas = document.createElement("canvas");
    this.canvas.hidden = true;
  }

  hold() {
    const { video, canvas } = this;
    if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.hidden = false;
  }

  release() {
    this.canvas.hidden = true;
  }
}
