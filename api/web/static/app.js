// What every page gets besides its links and forms: times and numbers in the reader's language, copies, the drawer.
// The page works without any of it.

import { begin as beginTimes, write } from "asset:reader.js";
import { begin as beginDrawer } from "asset:drawer.js";
import { begin as beginLive } from "asset:live.js";

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

beginTimes();
prepare(document);
beginDrawer(prepare);
beginLive(prepare);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.querySelector("span"), text = label.textContent;
  button.classList.add("done");
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = text; button.classList.remove("done"); }, 1500);
});

// Close the card of who is signed in when something else is clicked.
document.addEventListener("click", (event) => {
  for (const card of document.querySelectorAll("details.who[open]")) if (!card.contains(event.target)) card.open = false;
});

// Keys: / searches; j and k move through the entries; Enter opens one, as everywhere.
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); }
  } else if (event.key === "j" || event.key === "k") {
    move(event.key === "j" ? 1 : -1);
  }
});

function move(by) {
  const links = [...document.querySelectorAll(".entry-title, a.cover")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  if (next) { next.focus({ preventScroll: true }); next.scrollIntoView({ block: "center" }); }
}

// Prepare a page, or a part that was put into one.
function prepare(root) {
  write(root);
  if (navigator.clipboard) for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  for (const code of root.querySelectorAll("pre.json")) colour(code);
  for (const proof of root.querySelectorAll("[data-proof]")) import(proof.dataset.module).then((it) => it.begin(proof));
  for (const part of root.querySelectorAll("[data-module]:not([data-proof])")) {
    import(part.dataset.module).then((it) => { it.begin(part, prepare); part.dataset.ready = ""; });
  }
}

function colour(code) {
  const text = code.textContent, made = document.createDocumentFragment();
  if (text.length > 200_000 || code.children.length) return;
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    made.append(text.slice(from, found.index));
    const part = document.createElement("span");
    part.className = found[2] ? "k" : found[1] ? "s" : "n";
    part.textContent = found[1] ?? found[0];
    made.append(part);
    from = found.index + part.textContent.length;
  }
  made.append(text.slice(from));
  code.replaceChildren(made);
}
