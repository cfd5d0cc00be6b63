// Live pages: the server says that something was recorded, and the page gets its own content anew.

import { put } from "asset:drawer.js";

const REST = 400; // milliseconds between two looks, while a lot is recorded
let page, prepare, source, timer, busy = false, again = false;

export function begin(prepareParts) {
  page = document.querySelector("[data-live]");
  if (!page?.dataset.liveOn) return;
  prepare = prepareParts;
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
  follow(null);
}

// A browser has few connections to a host, so only the page in front follows.
function follow(event) {
  if (document.hidden) { leave(); return; }
  if (source) return;
  if (event) refresh();
  const { liveOn } = page.dataset;
  source = new EventSource(`/ui/live${liveOn === "ledger" ? "" : `?order=${encodeURIComponent(liveOn)}`}`);
  source.onopen = () => say(true);
  source.onmessage = () => { clearTimeout(timer); timer = setTimeout(refresh, REST / 4); };
  source.onerror = () => say(false);
  source.addEventListener("end", refresh); // the session may be over, which the page tells
}

function leave() {
  source?.close();
  source = undefined;
  say(false);
}

function say(isLive) {
  for (const state of document.querySelectorAll("[data-live-state]")) {
    state.hidden = false;
    state.classList.toggle("off", !isLive);
    state.lastChild.textContent = isLive ? "Live" : "Reconnecting";
  }
}

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  const address = page.dataset.live, joined = address.includes("?") ? (address.endsWith("?") ? "" : "&") : "?";
  const answer = await fetch(`${address}${joined}part`).catch(() => null);
  if (answer?.redirected) { location.reload(); return; }
  if (answer?.ok) swap(await answer.text());
  setTimeout(() => {
    busy = false;
    if (again) { again = false; refresh(); }
  }, REST);
}

function swap(text) {
  const made = document.createElement("div");
  put(made, text);
  const focused = document.activeElement?.closest?.("[data-swap]") && document.activeElement.getAttribute("href");
  for (const part of made.querySelectorAll("[data-swap]")) {
    const old = document.getElementById(part.id);
    if (!old || old.innerHTML === part.innerHTML) continue;
    const known = new Map([...old.querySelectorAll("[data-key]")].map((each) => [each.dataset.key, each.dataset.at]));
    prepare(part);
    old.replaceChildren(...part.childNodes);
    for (const each of old.querySelectorAll("[data-key]")) {
      if (known.get(each.dataset.key) !== each.dataset.at) each.classList.add("fresh");
    }
  }
  if (focused) document.querySelector(`[data-swap] a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
