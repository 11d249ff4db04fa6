/* A "?" answers where it stands: what the help page says is shown over this one, which may hold choices. Without this
   file, and with a key held down, the link leads to the help page. */
"use strict";

async function answerOf(link) {
  const [page, anchor] = link.href.split("#");
  const text = await fetch(page).then((response) => response.text());
  return new DOMParser().parseFromString(text, "text/html").getElementById(anchor);
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a.help");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const answer = await answerOf(link).catch(() => null);
  if (!answer) return window.open(link.href, "_blank", "noopener");
  const dialog = document.getElementById("help-dialog");
  dialog.setAttribute("aria-label", answer.querySelector("h3").textContent);
  answer.removeAttribute("id");
  answer.className = "glossary stack stack--tight";
  dialog.querySelector("[data-help-answer]").replaceChildren(answer);
  dialog.querySelector("[data-help-page]").href = link.href;
  if (!dialog.open) dialog.showModal();
});
