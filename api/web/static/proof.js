// Checks in this browser that an event is in the signed ledger. docs/audit.md has the formats; docs/verifier.py is
// another reader of them. By RFC 6962 and 9162, C2SP signed-note and tlog-checkpoint, Ed25519 by WebCrypto.

const utf8 = new TextEncoder(), EPOCH = Date.UTC(2000, 0, 1);

class NotProven extends Error {}
class NotChecked extends Error {}

export function begin(root) {
  const check = root.querySelector("[data-proof-check]"), held = root.querySelector("[data-proof-held]");
  if (!check) return;
  if (!globalThis.crypto?.subtle) {
    show(root, "", "Cannot be checked here", "This browser lends its cryptography to pages over HTTPS or on localhost only. Download the receipt and check it with docs/verifier.py.");
    return;
  }
  const run = async (checkpoint) => {
    show(root, "busy", "Checking…", "The browser computes the event’s hash and checks the signature.");
    try {
      show(root, "good", "Proven", await proven(root.dataset, checkpoint));
    } catch (error) {
      if (error instanceof NotProven) show(root, "bad", "Not proven", error.message);
      else show(root, "", "Not checked", error instanceof NotChecked ? error.message : `It cannot be checked: ${error.message}`);
    }
  };
  check.hidden = held.hidden = false;
  check.addEventListener("click", () => run());
  root.querySelector("[data-proof-form]").addEventListener("submit", (event) => {
    event.preventDefault();
    const checkpoint = event.target.querySelector("textarea").value;
    if (checkpoint.trim()) run(checkpoint);
  });
  run();
}

function show(root, tone, title, text) {
  root.classList.remove("good", "bad", "busy");
  if (tone) root.classList.add(tone);
  root.querySelector("[data-proof-title]").textContent = title;
  root.querySelector("[data-proof-text]").textContent = text;
}

async function proven(shown, held) {
  const receipt = await get(shown.proof);
  const event = receipt.events?.[0];
  if (!event || receipt.events.length !== 1) throw new NotChecked("The receipt holds no event.");
  compare(event, shown);
  const { size, root, origin } = await checkpointIn(receipt.checkpoint, receipt.keys);
  const index = event.position - 1;
  if (!(index >= 0 && index < size)) throw new NotProven(`The signed ledger of ${size} events does not hold event ${event.position}.`);
  const [, whole] = await walk(index, size - 1, await leafHash(event), event.proof.map(bytes));
  if (!same(whole, root)) throw new NotProven(`Event ${event.position} is not, as it stands here, one of the ${size} events that were signed.`);
  const where = `As it is stored, this is event ${event.position} of a ledger of ${size}`;
  if (!held) return `${where}, signed by ${origin}. You trust this server for the key, unless you paste a checkpoint that you hold.`;
  return `${where}, and ${await continuing(receipt, { size, root }, held)}.`;
}

// The proof must be of that which the page shows.
function compare(event, shown) {
  const pairs = [[event.position, shown.position], [event.event_id, shown.eventId], [event.type, shown.type],
    [event.stream, shown.stream], [event.version, shown.version]];
  if (pairs.some(([proven, seen]) => String(proven) !== seen)) throw new NotProven("The proof is of another event than this page shows.");
}

async function continuing(receipt, now, text) {
  const held = await checkpointIn(text.replaceAll("\r\n", "\n"), receipt.keys);
  const [old, late] = held.size <= now.size ? [held, now] : [now, held];
  if (old.size === late.size) {
    if (!same(old.root, late.root)) throw new NotProven("Your checkpoint is of as many events, and of another root: the ledger is not the one that you know.");
    return "it is the checkpoint that you hold";
  }
  const { proof } = await get(`/ui/proofs/consistency?from=${old.size}&to=${late.size}`);
  let hashes = proof.map(bytes), index = old.size - 1, last = late.size - 1;
  if (Number.isInteger(Math.log2(old.size))) hashes = [old.root, ...hashes];
  if (!hashes.length) throw new NotProven("Nothing proves that one checkpoint continues the other.");
  while (index % 2) { index = Math.floor(index / 2); last = Math.floor(last / 2); }
  const [left, whole] = await walk(index, last, hashes[0], hashes.slice(1));
  if (!same(left, old.root) || !same(whole, late.root)) throw new NotProven("The ledger does not continue the checkpoint that you hold: it was changed since.");
  return `it continues the ${held.size} events of the checkpoint that you hold`;
}

async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (answer.ok && !answer.redirected) return answer.json();
  const told = await answer.json().catch(() => ({}));
  const text = told.detail ?? `The server answers ${answer.status}.`;
  throw told.title === "Not proven" ? new NotProven(text) : new NotChecked(text);
}

async function checkpointIn(note, keys) {
  const cut = note.trimEnd().lastIndexOf("\n\n");
  if (cut < 0) throw new NotChecked("This is not a signed checkpoint.");
  const text = note.slice(0, cut + 1), lines = note.slice(cut + 2).trimEnd().split("\n");
  const [origin, size, root] = text.split("\n");
  let signed = false;
  for (const key of keys) {
    const [name, id, ...rest] = key.split("+"), raw = bytes(rest.join("+"));
    if (name !== origin || raw[0] !== 1) continue;
    const own = await digest(utf8.encode(`${name}\n`), raw);
    if (hex(own.slice(0, 4)) !== id) throw new NotChecked("A key’s id is not its own.");
    for (const line of lines) {
      const [dash, who, encoded] = line.split(" ");
      if (dash !== "—" || who !== name) continue;
      const blob = bytes(encoded);
      if (hex(blob.slice(0, 4)) !== id) continue;
      if (!await verify(raw.slice(1), blob.slice(4), utf8.encode(text))) throw new NotProven("The signature of the checkpoint is false: it is not as it was signed.");
      signed = true;
    }
  }
  if (!signed) throw new NotChecked("No key of this ledger has signed the checkpoint.");
  return { origin, size: Number(size), root: bytes(root) };
}

async function verify(key, signature, text) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new NotChecked("This browser has no Ed25519. Download the receipt and check it with docs/verifier.py.");
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, text);
}

async function leafHash(event) {
  const names = [event.tenant, event.stream, event.event_id, event.type].map((text) => utf8.encode(text));
  const blobs = [bytes(event.data), bytes(event.metadata)];
  const lengths = [...names, ...blobs].map((part) => part.length).join(" ");
  const header = ["ordertrail event v1", lengths, event.tenant, event.position, event.stream, event.version, event.event_id, event.type, ""];
  return digest(Uint8Array.of(0), utf8.encode(header.join("\n")), micros(event.occurred_at), micros(event.recorded_at), ...blobs);
}

// Microseconds since 2000, in 8 bytes. A Date holds milliseconds, so the last digits are read from the text.
function micros(text) {
  const [, whole, fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(text);
  const since = BigInt(Date.parse(`${whole}Z`) - EPOCH) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
  const made = new DataView(new ArrayBuffer(8));
  made.setBigInt64(0, since);
  return new Uint8Array(made.buffer);
}

// The roots that a proof leads to: of all it covers on the left, and of everything.
async function walk(index, last, start, proof) {
  let left = start, whole = start;
  for (const sibling of proof) {
    if (last <= 0) throw new NotProven("The proof is too long.");
    if (index % 2 || index === last) {
      [left, whole] = [await parent(sibling, left), await parent(sibling, whole)];
      while (index && index % 2 === 0) { index /= 2; last = Math.floor(last / 2); }
    } else {
      whole = await parent(whole, sibling);
    }
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new NotProven("The proof is too short.");
  return [left, whole];
}

function parent(left, right) { return digest(Uint8Array.of(1), left, right); }

async function digest(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
}

function bytes(text) { return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)); }
function hex(part) { return [...part].map((byte) => byte.toString(16).padStart(2, "0")).join(""); }
function same(one, other) { return one.length === other.length && one.every((byte, n) => byte === other[n]); }
