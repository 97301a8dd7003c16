/** The page: joins its parts. */

import { Api } from "./api.js";
import { Camera } from "./camera.js";
import { byId } from "./dom.js";
import { Feedback } from "./feedback.js";
import { listen } from "./intake.js";
import { List, MOST } from "./list.js";
import { Live } from "./live.js";
import { ModelInfo } from "./model.js";
import { TokenForm } from "./token.js";
import { count } from "./words.js";

const api = new Api();
const live = new Live(byId("live"));
const model = new ModelInfo(api);
const feedback = new Feedback(byId("feedback", HTMLDialogElement), api);
const token = new TokenForm((given) => {
  api.useToken(given);
  load();
  list.release();
});
const list = new List({
  api,
  say: (text) => live.say(text),
  locked: () => token.ask(),
  report: (item) => feedback.open(item),
  answered: (source) => model.answered(source).catch(unserved),
});

function take(files) {
  const left = list.add(files);
  const notice = byId("notice");
  notice.hidden = !left;
  notice.textContent = left ? `The list holds ${MOST} files; ${count(left, "file")} did not fit. Clear it to go on.` : "";
  if (left) live.say(notice.textContent);
}

function load() {
  model.load().catch(unserved);
}

function unserved(error) {
  if (error.status === 401) token.ask();
  else if (error.status === undefined) throw error;
}

const camera = new Camera(byId("camera", HTMLDialogElement), take);
byId("camera-open").addEventListener("click", () => camera.open());
listen({ zone: byId("drop"), chooser: byId("files", HTMLInputElement), button: byId("choose"), take });
load();
