/** A picture from the camera. */

import { find, openDialog } from "./dom.js";

const REASONS = {
  NotAllowedError: "The camera was not allowed. Allow it in the browser's address bar, then try again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is used by another program.",
};

export class Camera {
  #dialog;
  #take;
  #video;
  #status;
  #shutter;
  #other;
  /** @type {MediaStream|null} */
  #stream = null;
  #facing = "user";

  /** @param {HTMLDialogElement} dialog @param {(files: File[]) => void} take */
  constructor(dialog, take) {
    this.#dialog = dialog;
    this.#take = take;
    this.#video = find(dialog, "video", HTMLVideoElement);
    this.#status = find(dialog, "[role=status]");
    this.#shutter = find(dialog, ".primary", HTMLButtonElement);
    this.#other = find(dialog, ".other");
    this.#shutter.addEventListener("click", () => this.#shoot());
    this.#other.addEventListener("click", () => this.#turn());
    dialog.addEventListener("close", () => this.#stop());
  }

  open() {
    openDialog(this.#dialog);
    return this.#start();
  }

  async #start() {
    this.#shutter.disabled = true;
    this.#other.hidden = true;
    this.#status.textContent = "Starting the camera…";
    if (!navigator.mediaDevices) {
      this.#status.textContent = "The browser gives the camera only to pages over https or on this computer.";
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: this.#facing, width: 1280 } });
      // Closed while the browser was asking: nobody would switch the camera off.
      if (!this.#dialog.open) for (const track of stream.getTracks()) track.stop();
      else await this.#show(stream);
    } catch (error) {
      this.#status.textContent = REASONS[error.name] ?? "The camera could not be started.";
    }
  }

  async #show(stream) {
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#video.play();
    this.#status.textContent = "";
    this.#shutter.disabled = false;
    this.#shutter.focus();
    const devices = await navigator.mediaDevices.enumerateDevices();
    this.#other.hidden = devices.filter((device) => device.kind === "videoinput").length < 2;
  }

  #turn() {
    this.#facing = this.#facing === "user" ? "environment" : "user";
    this.#stop();
    return this.#start();
  }

  async #shoot() {
    const canvas = document.createElement("canvas");
    canvas.width = this.#video.videoWidth;
    canvas.height = this.#video.videoHeight;
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    // PNG, because compression destroys the traces that the model looks for.
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const name = `camera ${new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".")}.png`;
    this.#dialog.close();
    this.#take([new File([blob], name, { type: "image/png" })]);
  }

  #stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
