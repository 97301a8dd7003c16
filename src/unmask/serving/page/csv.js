/** The list as a table for a spreadsheet. */

const ENDS = "\r\n";

/**
 * One cell: what a spreadsheet would take for a formula is made text, what would break the table is quoted.
 * @param {string|number|null|undefined} value
 */
export function cell(value) {
  if (typeof value === "number") return String(value);
  const text = String(value ?? "");
  const defused = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(defused) ? `"${defused.replaceAll('"', '""')}"` : defused;
}

/**
 * @param {{name: string, kind: string, state: string, error: string,
 *   answer: import("./api.js").Answer|null}[]} entries
 */
export function table(entries) {
  const labels = [...new Set(entries.flatMap(({ answer }) => Object.keys(answer?.judgement?.attributes ?? {})))];
  const heads = [
    ...["file", "kind", "state", "verdict", "probability", "real_below", "fake_above", "sentence", "faces", "small_faces", "error"],
    ...labels.map((label) => `attribute: ${label}`),
    ...["model_version", "data_hash", "id", "request_id"],
  ];
  const rows = entries.map(({ name, kind, state, error, answer }) => [
    ...[name, kind, state, answer?.judgement?.verdict, answer?.judgement?.probability],
    ...[answer?.thresholds.real.probability, answer?.thresholds.fake.probability],
    ...[answer?.judgement?.sentence, answer?.faces?.length, answer?.small_faces, error],
    ...labels.map((label) => answer?.judgement?.attributes[label]),
    ...[answer?.model_version, answer?.data_hash, answer?.id, answer?.request_id],
  ]);
  return [heads, ...rows].map((row) => row.map(cell).join(",") + ENDS).join("");
}

/** @param {string} name @param {string} text */
export function download(name, text) {
  // The mark tells spreadsheets that it is UTF-8.
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
