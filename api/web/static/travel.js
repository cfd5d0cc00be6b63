// The slider moves at once; what the order was follows.

import { put } from "asset:drawer.js";

export function begin(root, prepare) {
  const form = root.querySelector("[data-travel]");
  if (!form) return;
  const slider = form.elements.version, now = form.querySelector("[data-travel-now]");
  const content = root.querySelector("[data-travel-content]");
  let timer, latest = 0;
  form.querySelector("[data-travel-go]").hidden = true;

  slider.addEventListener("input", () => {
    now.textContent = `${slider.value} of ${slider.max}`;
    clearTimeout(timer);
    timer = setTimeout(() => travel(Number(slider.value)), 80);
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-travel-to]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    slider.value = link.dataset.travelTo;
    travel(Number(slider.value));
  });

  async function travel(version) {
    const asked = ++latest, address = `${form.action}?version=${version}`;
    const answer = await fetch(`${address}&part`).catch(() => null);
    if (asked !== latest) return;
    if (!answer?.ok) { location.assign(address); return; }
    const made = document.createElement("div");
    put(made, await answer.text());
    content.replaceChildren(...made.querySelector("[data-travel-content]").childNodes);
    const links = made.querySelectorAll("[data-travel-to]");
    for (const old of form.querySelectorAll("[data-travel-to]")) old.remove();
    now.before(...links);
    now.textContent = `${version} of ${slider.max}`;
    history.replaceState(null, "", address);
    prepare(content);
  }
}
