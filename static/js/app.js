/* What a page needs beyond HTML and htmx. No framework, no eval, nothing inline: the content security policy forbids it.
   Everything is found by data attributes and works on fragments that arrive later, because it listens on the document. */
"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (name, selector, act) =>
  document.addEventListener(name, (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });

/* Theme: applied at once, kept in a cookie for the next page, told to the server for the next browser. */
on("submit", "[data-theme-form]", (form, event) => {
  event.preventDefault();
  const theme = event.submitter.value;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `tagsync_theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  document.documentElement.dataset.theme = theme;
  const body = new FormData(form);
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
  for (const button of all("[data-theme-form] button")) button.hidden = button.dataset.shows !== theme;
  find("button:not([hidden])", form).focus();
});

/* A workbook that has just been made comes by itself, once. */
const ready = find("[data-download-now]");
if (ready && new URLSearchParams(location.search).has("now")) {
  history.replaceState(null, "", location.pathname);
  ready.click();
}

/* Dialogs */
on("click", "[data-dialog-open]", (opener, event) => {
  const dialog = document.getElementById(opener.dataset.dialogOpen);
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
});
on("click", "[data-dialog-close]", (closer) => closer.closest("dialog").close());
on("click", "dialog", (dialog, event) => {
  if (event.target === dialog && isOutside(dialog, event)) dialog.close();
});

function isOutside(dialog, { clientX: x, clientY: y }) {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}

/* Keys: what carries data-shortcut is focused or pressed. Never while somebody types, with a modifier, or in a dialog. */
const takesText = (element) => element.isContentEditable || element.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat || event.defaultPrevented) return;
  if (key.length !== 1 || takesText(target) || find("dialog[open]")) return;
  const wanted = all(`[data-shortcut="${CSS.escape(key)}"]`);
  const element = wanted.find((one) => one.checkVisibility()) ?? wanted[0];
  if (!element) return;
  event.preventDefault();
  if (!takesText(element)) return element.click();
  element.focus();
  element.select();
});

/* Dropzone: a plain file input that also takes a drop and says what it holds. */
on("change", "[data-dropzone] input[type=file]", (input) => {
  const zone = input.closest("[data-dropzone]");
  const name = find("[data-dropzone-name]", zone);
  const file = input.files[0];
  zone.classList.toggle("has-file", Boolean(file));
  name.hidden = !file;
  name.textContent = file ? `${file.name} · ${sizeOf(file)}` : "";
});

const sizeOf = (file) =>
  file.size < 1048576 ? `${Math.ceil(file.size / 1024)} KB` : `${(file.size / 1048576).toFixed(1)} MB`;

for (const name of ["dragenter", "dragover"]) {
  on(name, "[data-dropzone]", (zone, event) => { event.preventDefault(); zone.classList.add("is-dragging"); });
}
on("dragleave", "[data-dropzone]", (zone, event) => {
  if (!zone.contains(event.relatedTarget)) zone.classList.remove("is-dragging");
});
on("drop", "[data-dropzone]", (zone, event) => {
  event.preventDefault();
  zone.classList.remove("is-dragging");
  if (!event.dataTransfer.files.length) return;
  const input = find("input[type=file]", zone);
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
/* A file dropped beside the zone would replace the page. */
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}

document.addEventListener("htmx:xhr:progress", ({ detail }) => {
  const meter = find("[data-upload-progress]");
  if (!meter || !detail.total) return;
  meter.hidden = false;
  meter.value = (detail.loaded / detail.total) * 100;
});

/* Forms: one submit, a busy button, fields that submit by themselves. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || "noBusy" in form.dataset || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const form of all("form[data-sent]")) delete form.dataset.sent;
  for (const button of all(".btn[aria-busy]")) button.removeAttribute("aria-busy");
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  detail.requestConfig.triggeringEvent?.submitter?.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  detail.requestConfig.triggeringEvent?.submitter?.removeAttribute("aria-busy");
});
on("change", "[data-autosubmit]", (field) => field.form.requestSubmit());

/* Selecting rows */
on("change", "[data-select-all]", (box) => {
  for (const row of all("[data-select-row]", box.form ?? box.closest("table"))) row.checked = box.checked;
  tellSelection(box.form ?? document);
});
on("change", "[data-select-row]", (box) => tellSelection(box.form ?? document));

function tellSelection(root) {
  const rows = all("[data-select-row]", root);
  const chosen = rows.filter((row) => row.checked).length;
  for (const place of all("[data-selected-count]", root)) place.textContent = chosen.toLocaleString("en");
  for (const button of all("[data-needs-selection]", root)) button.disabled = chosen === 0;
  for (const box of all("[data-select-all]", root)) {
    box.checked = chosen > 0 && chosen === rows.length;
    box.indeterminate = chosen > 0 && chosen < rows.length;
  }
}

/* Typed count: the button waits for the number. The server checks it again. */
const digits = (text) => text.normalize("NFKC").replace(/\D/g, "");
function tellCount(form) {
  const typed = digits(find("[data-confirm-input]", form).value);
  find("[data-confirm-button]", form).disabled = typed !== form.dataset.confirmCount;
}
on("input", "[data-confirm-count]", tellCount);

/* Toasts: closable, and gone after eight seconds unless looked at. */
on("click", "[data-toast-close]", (button) => button.closest("[data-toast]").remove());
function agesOut(toast) {
  setTimeout(() => (toast.matches(":hover, :focus-within") ? agesOut(toast) : toast.remove()), 8000);
}

/* Polling: rests in hidden tabs, says so when the server does not answer, speaks milestones. */
const isPoll = (element) => (element.getAttribute("hx-trigger") ?? "").includes("every");
let failedPolls = 0;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && isPoll(event.detail.elt)) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  // Not detail.elt: once the polled card is replaced, that is its parent.
  if (!isPoll(detail.requestConfig.elt)) return;
  // Not detail.successful: an answer that only leads on has none.
  failedPolls = detail.xhr.status >= 200 && detail.xhr.status < 400 ? 0 : failedPolls + 1;
  const notice = find("#live-paused");
  if (notice) notice.hidden = failedPolls < 3;
});

let said = "";
function announce(root) {
  const source = root.matches?.("[data-announce]") ? root : find("[data-announce]", root);
  const text = source?.dataset.announce;
  if (!text || text === said) return;
  said = text;
  find("#live-status").textContent = text;
}

/* A part that is replaced: what was unfolded in it stays so, and focus that loses its place goes no farther than the page. */
let unfolded = [];
let heldFocus = false;
document.addEventListener("htmx:beforeSwap", () => {
  unfolded = all("details[open] > summary[id]").map((summary) => summary.id);
  heldFocus = Boolean(document.activeElement?.closest("#main"));
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.parentElement.setAttribute("open", "");
  if (heldFocus && document.activeElement === document.body) find("#main")?.focus({ preventScroll: true });
});

/* Runs for the page, and again for every fragment that htmx puts in. */
function prepare(root) {
  all("[data-toast]", root).forEach(agesOut);
  all("[data-confirm-count]", root).forEach(tellCount);
  if (find("[data-select-row]", root)) tellSelection(document);
  find("[data-focus]", root)?.focus();
  announce(root);
}
document.addEventListener("htmx:afterSwap", ({ target }) => prepare(target));
prepare(document);
