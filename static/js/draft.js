/* The columns page saves itself. htmx sends the form after each change; here stands what became of it, that what failed is
   tried again, and that nobody leaves before the newest choices are on their way. */
"use strict";

const draft = find("form[data-saves]");
const saveState = find("[data-save-state]");
const RETRY_SECONDS = [2, 4, 8, 16, 30];
let unsaved = false; // there are choices that no request has taken along
let underWay = 0;
let failures = 0;
let retry;
let isRetry = false;
let leaves = false;

const isOurs = ({ requestConfig, path }) => isSave(requestConfig?.path ?? path);
const nextTurn = () => String((draft.elements.turn.value = Number(draft.elements.turn.value) + 1));

function say(state) {
  for (const one of all("[data-state]", saveState)) one.hidden = one.dataset.state !== state;
}

function changed() {
  unsaved = true;
  if (!failures) say("saving");
}
for (const name of ["input", "change"]) draft.addEventListener(name, changed);

/* htmx's requests, those of the buttons that take a suggestion included. The server keeps the one with the highest turn. */
document.addEventListener("htmx:configRequest", (event) => {
  const { detail } = event;
  if (!isOurs(detail)) return;
  if (leaves) return event.preventDefault();
  detail.parameters.turn = nextTurn();
  if (isRetry) detail.headers["X-Repeated"] = "1";
  isRetry = false;
  unsaved = false;
});
document.addEventListener("htmx:beforeSend", ({ detail }) => { if (isOurs(detail)) underWay += 1; });
document.addEventListener("htmx:afterRequest", ({ detail }) => { if (isOurs(detail)) underWay -= 1; });

document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (!isOurs(event.detail)) return;
  const { xhr } = event.detail;
  const leadsTo = xhr.getResponseHeader("HX-Redirect");
  if (xhr.status === 403) return renewToken();
  if (leadsTo?.startsWith(saveState.dataset.signIn)) {
    event.preventDefault();
    return failed("signed-out");
  }
  if (xhr.status === 204) return (leaves = true); // another page comes
  if (xhr.status === 404) return failed("gone");
  if (xhr.status === 409) return overtaken();
  if (xhr.status >= 400) return failed("busy");
  saved();
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, ({ detail }) => { if (isOurs(detail)) failed("offline"); });
}

function saved() {
  failures = 0;
  clearTimeout(retry);
  if (!unsaved) say("saved");
}

function failed(why) {
  unsaved = true;
  say(why);
  clearTimeout(retry);
  retry = setTimeout(tryAgain, RETRY_SECONDS[Math.min(failures, RETRY_SECONDS.length - 1)] * 1000);
  failures += 1;
}

/* Another page was faster: the notice asks what to do. Trying again would only ask again. */
function overtaken() {
  unsaved = true;
  failures = 1;
  clearTimeout(retry);
  say("overtaken");
}

function tryAgain() {
  isRetry = true;
  htmx.trigger(draft, "save");
}

const isWaiting = () => failures > 0 && !find("#draft-conflict > *");
window.addEventListener("online", () => { if (isWaiting()) tryAgain(); });
window.addEventListener("focus", () => { if (isWaiting()) tryAgain(); });

/* Whoever signed in again in another tab has a new token. */
async function renewToken() {
  try {
    const answer = await fetch(location.pathname, { headers: { "X-Repeated": "1" } });
    if (answer.redirected) return failed("signed-out");
    if (!answer.ok) return failed(answer.status === 404 ? "gone" : "busy");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = find("input[name=csrfmiddlewaretoken]", page).value;
    for (const input of all("input[name=csrfmiddlewaretoken]")) input.value = token;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    failed("busy");
  } catch {
    failed("offline");
  }
}

/* Past htmx, because it must outlive the page. Whether it was saved. */
async function saveNow() {
  const body = new FormData(draft);
  body.set("turn", nextTurn());
  const headers = { "HX-Request": "true" };
  try {
    const answer = await fetch(draft.getAttribute("hx-post"), { method: "POST", body, headers, keepalive: true });
    if (answer.status === 409) htmx.trigger(draft, "save"); // for its notice
    return answer.status === 200;
  } catch {
    return false;
  }
}

/* Another form of the page (language, sheet, sign out) leads away: first what was chosen is saved. If that fails, the first
   press only says so. */
let warned = false;
document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (form === draft || form.matches("[data-unsaved-left]")) return leave(submitter);
  if (!unsaved && !underWay || warned) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await saveNow()) {
    unsaved = false;
    saved();
  } else if (!failures) {
    failed("busy");
  }
  warned = unsaved;
  if (!warned) form.requestSubmit(submitter);
}, true);
on("click", "a[data-unsaved-left]", () => leave());

function leave(submitter) {
  if (submitter?.getAttribute("hx-post")) return;
  nextTurn();
  leaves = true;
  clearTimeout(retry);
}

document.addEventListener("visibilitychange", () => { if (document.hidden && unsaved) htmx.trigger(draft, "save"); });
window.addEventListener("pagehide", () => { if (!leaves && (unsaved || underWay)) saveNow(); });
window.addEventListener("pageshow", ({ persisted }) => { if (persisted) leaves = false; });
window.addEventListener("beforeunload", (event) => { if (!leaves && unsaved && failures) event.preventDefault(); });

if (find("#draft-conflict > *")) overtaken();
else if (!find("#saved-at").textContent.trim()) say("untouched");
