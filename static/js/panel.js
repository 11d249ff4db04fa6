/* One row in a panel over its table. The address is the row's own, so it can be shared, reloaded and gone back from;
   without this file the server shows the same row above the table. */
"use strict";

const panel = () => document.getElementById("row");
const isRow = (url) => new URL(url).searchParams.has("row");
const hasKeys = (event) => event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
let loading = false;

async function openRow(url) {
  loading = true;
  try {
    await htmx.ajax("GET", url, { source: panel(), target: "#row", swap: "innerHTML show:none" });
  } catch {
    return location.assign(url); // the browser says best that it cannot be reached
  } finally {
    loading = false;
  }
  const number = panel().querySelector("[data-row-number]")?.dataset.rowNumber;
  if (!number) return;
  panel().setAttribute("aria-labelledby", "row-title");
  panel().scrollTop = 0;
  lift();
  mark(number);
}

function lift() {
  const dialog = panel();
  if (dialog.matches(":modal")) return;
  dialog.removeAttribute("open"); // unlike close() this tells nobody
  dialog.showModal();
  dialog.querySelector("[data-row-close]").focus();
}

function mark(number) {
  for (const row of document.querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
  document.getElementById(`row-${number}`)?.closest("tr").setAttribute("aria-current", "true");
}

async function follow(link) {
  if (loading) return;
  if (panel().contains(link)) history.replaceState(history.state, "", link.href);
  else history.pushState({ panel: true }, "", link.href);
  await openRow(link.href);
  // The way on ends at the last row, and its button with it.
  if (!panel().contains(document.activeElement)) panel().querySelector("[data-row-close]")?.focus();
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || hasKeys(event) || !panel()) return;
  const link = event.target.closest("a[data-row]") ?? rowLink(event.target);
  const closer = event.target.closest("[data-row-close]");
  if (!link && !(closer && panel().matches(":modal"))) return;
  event.preventDefault();
  if (link) follow(link);
  else panel().close();
});

/* The whole line opens its row, except where something else can be clicked or text is being marked. */
function rowLink(target) {
  const line = target.closest("tr:has(a[data-row])");
  if (!line || target.closest("a, button, input, label, summary, th[data-row-not], td:has(> input)")) return null;
  return String(getSelection()) ? null : line.querySelector("a[data-row]");
}

/* Closed by button, Esc or a click outside: the address follows, and the focus goes to the row that was open. */
document.addEventListener("close", (event) => {
  if (event.target !== panel()) return;
  const number = panel().querySelector("[data-row-number]")?.dataset.rowNumber;
  document.getElementById(`row-${number}`)?.focus();
  if (!isRow(location.href)) return;
  if (history.state?.panel) history.back();
  else history.replaceState(null, "", panel().querySelector("[data-row-close]").href);
}, true);

window.addEventListener("popstate", () => {
  if (!panel()) return;
  if (isRow(location.href)) openRow(location.href);
  else if (panel().open) panel().close();
});

document.addEventListener("htmx:responseError", ({ detail }) => {
  if (detail.target === panel()) location.assign(detail.requestConfig.path);
});

if (panel()?.open) lift();
