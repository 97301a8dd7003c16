/** The ways in: drop, paste, choose. */

/** @param {{zone: HTMLElement, chooser: HTMLInputElement, button: HTMLElement, take: (files: File[]) => void}} ways */
export function listen({ zone, chooser, button, take }) {
  button.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    take([...chooser.files]);
    chooser.value = ""; // else the same file could not be chosen twice
  });
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take(files);
  });
  drop(zone, take);
}

// The whole window takes a drop: a near miss would make the browser leave for the picture.
function drop(zone, take) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const mark = (change) => {
    depth = change ? Math.max(0, depth + change) : 0;
    zone.classList.toggle("over", depth > 0);
  };
  window.addEventListener("dragenter", (event) => carriesFiles(event) && mark(1));
  window.addEventListener("dragleave", (event) => carriesFiles(event) && mark(-1));
  window.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(0);
    if (!document.querySelector("dialog[open]")) take([...event.dataTransfer.files]);
  });
}
