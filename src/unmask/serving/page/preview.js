/** A file as it is shown: pictures scaled down, so that a long list of large ones fits into memory. */

const LONGEST_PX = 720;
const PATIENCE_MS = 10_000;

/**
 * @typedef {{element: HTMLElement, width: number, height: number, release: () => void}} Preview width and height in px
 *   of the upright picture; `release` lets its memory go
 */

/** @param {File} file */
export function isClip(file) {
  return file.type.startsWith("video/") || /\.(avi|flv|m4v|mkv|mov|mp4|mpe?g|ts|webm|wmv)$/i.test(file.name);
}

/** Null where the browser can't show the file, which says nothing about the service. @param {File} file @returns {Promise<Preview|null>} */
export function preview(file) {
  const shown = isClip(file) ? clip(file) : picture(file);
  return shown.catch(() => null);
}

async function picture(file) {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const scale = Math.min(1, LONGEST_PX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * width));
  canvas.height = Math.max(1, Math.round(scale * height));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.9));
  const image = document.createElement("img");
  image.alt = file.name;
  return { element: image, width, height, release: lend(image, blob) };
}

async function clip(file) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, controls: true, preload: "metadata" });
  video.setAttribute("aria-label", file.name);
  const release = lend(video, file);
  const shown = new Promise((resolve, reject) => {
    video.onloadedmetadata = resolve;
    video.onerror = reject;
    // A clip that neither loads nor fails would hold up the previews of all that follow it.
    setTimeout(reject, PATIENCE_MS);
  });
  await shown.catch((error) => {
    release();
    throw error;
  });
  return { element: video, width: video.videoWidth, height: video.videoHeight, release };
}

function lend(element, blob) {
  const address = URL.createObjectURL(blob);
  element.src = address;
  return () => {
    element.removeAttribute("src");
    URL.revokeObjectURL(address);
  };
}
