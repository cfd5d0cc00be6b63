// The drawer: what a link leads to, shown beside the page. Without it, the link leads there.

let drawer, prepare, opener;

export function begin(prepareParts) {
  prepare = prepareParts;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(link);
  });
}

async function open(link) {
  drawer ??= make();
  opener = link;
  const body = drawer.querySelector(".drawer-body");
  body.replaceChildren();
  body.ariaBusy = "true";
  drawer.querySelector(".drawer-link").href = link.href;
  if (!drawer.open) drawer.showModal();
  const answer = await fetch(`${link.href}?part`).catch(() => null);
  if (!answer?.ok) { location.assign(link.href); return; }
  put(body, await answer.text());
  body.ariaBusy = "false";
  drawer.setAttribute("aria-labelledby", "event-title");
  drawer.scrollTop = 0;
  prepare(body);
}

// Put a part of a page of ours into an element. The policy of the page lets no script in it run.
export function put(element, text) {
  element.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
}

function make() {
  const made = document.createElement("dialog");
  made.className = "drawer";
  put(made, `<div class="drawer-bar"><a class="button small plain drawer-link">Open as a page</a>
    <button class="button small" type="button" data-close>Close</button></div>
    <div class="drawer-body" tabindex="-1"></div>`);
  made.addEventListener("click", (event) => {
    if (event.target === made || event.target.closest("[data-close]")) made.close();
  });
  made.addEventListener("close", () => opener?.isConnected && opener.focus());
  document.body.append(made);
  return made;
}
