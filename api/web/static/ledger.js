// Verifies the ledger with progress, and asks before what cannot be undone.

export function begin(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sure]");
    if (button && !confirm(button.dataset.sure)) event.preventDefault();
  });
  const form = root.querySelector("[data-verify]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    verify(form, root.querySelector("[data-verify-progress]"));
  });
}

async function verify(form, shown) {
  const bar = shown.querySelector("progress"), text = shown.querySelector("[data-verify-text]");
  const button = form.querySelector("button");
  shown.hidden = bar.hidden = false;
  button.disabled = true;
  text.className = "soft";
  text.textContent = "Computing every event again…";
  try {
    const answer = await fetch(`${form.action}?part`, { method: "POST" });
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    for await (const line of lines(answer.body)) tell(JSON.parse(line), bar, text);
  } catch (error) {
    text.textContent = `It was not verified: ${error.message}.`;
  }
  button.disabled = false;
}

function tell(found, bar, text) {
  const number = new Intl.NumberFormat();
  if ("done" in found) {
    if (found.total) { bar.max = found.total; bar.value = found.done; }
    return;
  }
  bar.hidden = true;
  text.className = found.good ? "good-text" : "bad-text";
  text.textContent = found.note ?? found.damage
    ?? `Verified: all ${number.format(found.events)} events are as they were signed, by ${number.format(found.checkpoints)} checkpoints.`;
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}
