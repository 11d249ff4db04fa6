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

/* Theme: applied at once, kept in a cookie for the next page, told to the server for the next browser. One press is told
   after the other, and each answer's cookie gives way to what is shown by then: two quick presses end at the second. */
const keepTheme = () => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  const { theme } = document.documentElement.dataset;
  document.cookie = `tagsync_theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
};
let told = Promise.resolve();
on("submit", "[data-theme-form]", (form, event) => {
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  keepTheme();
  document.getElementById("dark-tokens").media = event.submitter.dataset.darkMedia;
  const body = new FormData(form);
  body.set("theme", theme);
  const tell = () => fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
  told = told.then(tell).catch(() => {}).then(keepTheme);
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
  const form = input.closest("[data-upload]");
  const wrong = form && input.files.length ? whatIsWrong(form, input.files) : "";
  if (form) find("[data-upload-errors]", form)?.remove();
  if (wrong) refuse(form, wrong, input.files[0]);
  else if (form) forgive(form);
  tellFile(input);
});

function tellFile(input) {
  const zone = input.closest("[data-dropzone]");
  const name = find("[data-dropzone-name]", zone);
  const file = input.files[0];
  zone.classList.toggle("has-file", Boolean(file));
  name.hidden = !file;
  name.textContent = file ? `${file.name} · ${sizeOf(file.size)}` : "";
}

const sizeOf = (bytes) => (bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

/* What can be seen without reading the file. The server looks at the content. */
function whatIsWrong(form, files) {
  const [file] = files;
  const ending = (file.name.match(/\.[^.]+$/)?.[0] ?? "").toLowerCase();
  if (files.length > 1) return "several";
  if (file.size === 0) return "empty_file";
  if (ending && !find("input[type=file]", form).accept.split(",").includes(ending)) {
    const known = all("[data-endings]", form).find((one) => one.dataset.endings.split(",").includes(ending));
    return known?.dataset.refusal ?? "not_a_workbook";
  }
  return file.size > Number(form.dataset.maxBytes) ? "too_large" : "";
}

function refuse(form, code, file) {
  const { title, advice } = find(`[data-refusal="${code}"]`, form).dataset;
  const notice = find("[data-upload-refusal]", form);
  const input = find("input[type=file]", form);
  find(".notice__title", notice).textContent = title;
  find("[data-refused-advice]", notice).textContent = advice;
  find("[data-refused-file]", notice).textContent = file ? `${file.name} · ${sizeOf(file.size)}` : "";
  notice.hidden = false;
  input.setAttribute("aria-invalid", "true");
  if (code !== "cut_off") input.value = "";
  tellFile(input);
}

function forgive(form) {
  find("[data-upload-refusal]", form).hidden = true;
  find("input[type=file]", form).removeAttribute("aria-invalid");
}

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
  const form = zone.closest("[data-upload]");
  if (form && event.dataTransfer.items[0]?.webkitGetAsEntry?.()?.isDirectory) {
    return refuse(form, "folder", event.dataTransfer.files[0]);
  }
  if (form && event.dataTransfer.files.length > 1) return refuse(form, "several");
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
/* A file dropped beside the zone would replace the page. */
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}

/* The upload itself: how far it is, then that the server reads. */
const uploadOf = (event) => event.target.closest?.("[data-upload]");

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = uploadOf(event);
  if (!form) return;
  const { files } = find("input[type=file]", form);
  if (!files.length) {
    event.preventDefault();
    const notice = find("[data-upload-refusal]", form);
    if (notice.hidden) refuse(form, "missing");
    notice.focus();
    return;
  }
  forgive(form);
  const progress = find("[data-upload-progress]", form);
  progress.hidden = false;
  tellUpload(progress, 0, files[0].size);
});
document.addEventListener("htmx:xhr:progress", (event) => {
  const progress = find("[data-upload-progress]", uploadOf(event) ?? document.createElement("form"));
  // Once all is sent, what still moves is the answer.
  if (progress && event.detail.total && find("progress", progress).hasAttribute("value")) {
    tellUpload(progress, event.detail.loaded, event.detail.total);
  }
});

function tellUpload(progress, loaded, total) {
  const bar = find("progress", progress);
  const text = find("[data-upload-text]", progress);
  const percent = Math.floor((loaded / total) * 100);
  const values = { percent, loaded: sizeOf(loaded), total: sizeOf(total) };
  if (percent < 100) {
    bar.value = percent;
    text.textContent = progress.dataset.says.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  } else {
    bar.removeAttribute("value");
    text.textContent = progress.dataset.saysReading;
    find("#live-status").textContent = text.textContent;
  }
  find("[data-upload-cancel]", progress).hidden = percent >= 100;
}

/* Whoever reloads or leaves meanwhile is asked first: the file would have to be sent again. */
let uploading = false;
window.addEventListener("beforeunload", (event) => {
  if (uploading) event.preventDefault();
});
for (const name of ["htmx:beforeSend", "htmx:beforeOnLoad", "htmx:afterRequest"]) {
  document.addEventListener(name, (event) => {
    if (uploadOf(event)) uploading = name === "htmx:beforeSend";
  });
}

on("click", "[data-upload-cancel]", (button) => htmx.trigger(button.closest("[data-upload]"), "htmx:abort"));
for (const name of ["htmx:sendError", "htmx:sendAbort", "htmx:responseError"]) {
  document.addEventListener(name, (event) => {
    const form = uploadOf(event);
    if (!form) return;
    const progress = find("[data-upload-progress]", form);
    progress.hidden = true;
    find("progress", progress).value = 0;
    if (name === "htmx:sendError") refuse(form, "cut_off", find("input[type=file]", form).files[0]);
  });
}

/* What saves itself says beside its form how that went. */
const isSave = (path) => all("form[data-saves]").some((form) => form.getAttribute("hx-post") === path);

/* A press that came to nothing is never silent; under the reference the log has the cause. */
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, (event) => {
    const { elt, path } = event.detail.requestConfig;
    if (isPoll(elt) || isSave(path) || (name === "htmx:sendError" && uploadOf(event))) return;
    const notice = find("#request-failed");
    const reference = event.detail.xhr?.getResponseHeader("X-Request-ID");
    const busy = Boolean(event.detail.xhr?.getResponseHeader("X-Busy"));
    const full = Boolean(event.detail.xhr?.getResponseHeader("X-Full"));
    find("[data-failed]", notice).hidden = busy || full;
    find("[data-busy]", notice).hidden = !busy;
    find("[data-full]", notice).hidden = !full;
    find("[data-reference]", notice).hidden = busy || full || !reference;
    find("code", notice).textContent = reference ?? "";
    notice.hidden = false;
  });
}
on("click", "[data-hide]", (button) => { find(button.dataset.hide).hidden = true; });

/* Menus: one at a time, closed by a press beside them, and by Escape, which leads back to what opened them. */
const openMenus = () => all("[data-menu][open]");
document.addEventListener("click", ({ target }) => {
  for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    find("summary", menu).focus();
  }
});

/* A fix that was typed and not saved is not lost to another button: it stays, and is told. */
document.addEventListener("submit", (event) => {
  const fixes = find("[data-fixes]");
  if (!fixes || event.target.matches("[data-theme-form], [data-unsaved-left]")) return;
  const line = event.submitter?.closest("li");
  const isLeft = (input) => input.form !== event.target && !line?.contains(input) && input.value !== input.defaultValue;
  const typed = all("input:not([type=hidden])", fixes).find(isLeft);
  if (!typed) return;
  event.preventDefault();
  find("[data-unchecked]", fixes).hidden = false;
  typed.focus();
}, true);

/* Forms: one submit, a busy button, fields that submit by themselves. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || "noBusy" in form.dataset || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  /* What comes as a file leaves the page as it is, and nothing tells when it has come. */
  if ("download" in form.dataset) setTimeout(free, 3000, form);
});
function free(form) {
  delete form.dataset.sent;
  for (const element of form.elements) element.removeAttribute("aria-busy");
}
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const form of all("form[data-sent]")) free(form);
  for (const button of all(".btn[aria-busy]")) button.removeAttribute("aria-busy");
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.defaultPrevented) return;
  find("#request-failed").hidden = true;
  event.detail.requestConfig.triggeringEvent?.submitter?.setAttribute("aria-busy", "true");
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

/* Bars at the bottom float over the page as long as more of what they belong to lies below them. */
function tellBars() {
  for (const bar of all(".formbar, .bulkbar")) {
    const below = bar.parentElement.getBoundingClientRect().bottom - bar.getBoundingClientRect().bottom;
    bar.classList.toggle("is-floating", below > 2);
  }
}
for (const name of ["scroll", "resize", "change", "toggle"]) {
  window.addEventListener(name, tellBars, { passive: true, capture: true });
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
  tellBars();
}
document.addEventListener("htmx:afterSwap", ({ target }) => prepare(target));
prepare(document);
