// @ts-check
// The camera: what it sees stands where the photo will be, until a picture is taken.

const NONE = "This browser gives no page a camera here. It does on https or on this machine itself; or choose a photo.";
const REFUSED = "The camera was not allowed. Allow it in the browser's address bar, or choose a photo.";
const MISSING = "No camera was found. Choose a photo instead.";

export class Camera {
  /** @param {import("./view.js").View} view whose `.lx-photo` holds a video and a `.lx-crop` @param {(url: string) => any} taken */
  constructor(view, taken) {
    this.view = view;
    this.taken = taken;
    this.video = view.find(".lx-photo video");
  }

  get isOn() {
    return !this.video.hidden;
  }

  async open() {
    const { view, video } = this;
    if (!navigator.mediaDevices?.getUserMedia) return view.say(NONE);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: 1280 } });
    } catch (/** @type {any} */ error) {
      return view.say(error.name === "NotAllowedError" ? REFUSED : MISSING);
    }
    this.stop(); // also one that came while this was asked for
    video.srcObject = stream;
    view.find(".lx-photo").hidden = false;
    this._show(true);
    video.play().catch(() => {}); // it was stopped, or another one came, before it had begun
  }

  stop() {
    this.video.srcObject?.getTracks().forEach((/** @type {MediaStreamTrack} */ track) => track.stop());
    this.video.srcObject = null;
    this._show(false);
  }

  snap() {
    const { video } = this, canvas = document.createElement("canvas");
    if (!video.videoWidth) return this.view.say("The camera has not sent a picture yet. Try again in a moment.");
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.translate(canvas.width, 0);
    context.scale(-1, 1); // as in a mirror, which is how people know themselves
    context.drawImage(video, 0, 0);
    this.taken(canvas.toDataURL("image/jpeg", 0.92));
  }

  /** @param {boolean} on */
  _show(on) {
    this.video.hidden = !on;
    this.view.find("[data-do=snap]").hidden = !on;
    this.view.find(".lx-crop").hidden = on;
  }
}
