"""Checks what Ordertrail proves, and uses nothing of it: Python 3.11 and `pip install cryptography`.

python verifier.py KEY proof.json            a receipt, or the proof of an event or of all events of an order
python verifier.py KEY proof.json old new    that the checkpoint in the file new continues the one in the file old

KEY is the ledger's, as its owner published it. By RFC 6962 and 9162, C2SP signed-note and tlog-checkpoint.
"""

import base64
import hashlib
import json
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def must(condition, otherwise):
    if not condition:
        sys.exit(f"NOT PROVEN: {otherwise}")


def leaf_hash(event):
    tenant, stream, event_id, type_ = names = [event[n].encode() for n in ("tenant", "stream", "event_id", "type")]
    blobs = [base64.b64decode(event[name], validate=True) for name in ("data", "metadata")]
    lengths = " ".join(str(len(part)) for part in names + blobs).encode()
    position, version = b"%d" % event["position"], b"%d" % event["version"]
    header = [b"ordertrail event v1", lengths, tenant, position, stream, version, event_id, type_, b""]
    since_2000 = [
        (datetime.fromisoformat(event[name]) - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        for name in ("occurred_at", "recorded_at")
    ]
    return hashlib.sha256(b"\x00" + b"\n".join(header) + struct.pack(">qq", *since_2000) + b"".join(blobs)).digest()


def parent(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def walk(index, last, start, proof):
    """Return the roots that a proof leads to: of all it covers on the left, and of everything (RFC 9162, 2.1.3-4)."""
    left = whole = start
    for sibling in proof:
        must(last > 0, "the proof is too long")
        if index & 1 or index == last:
            left, whole = parent(sibling, left), parent(sibling, whole)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            whole = parent(whole, sibling)
        index, last = index >> 1, last >> 1
    must(last == 0, "the proof is too short")
    return left, whole


def continues(size, root, new_size, new_root, proof):
    if size == new_size:
        return root == new_root and not proof
    proof = [root, *proof] if size & (size - 1) == 0 else proof
    must(0 < size < new_size and proof, "the new checkpoint is of fewer events, or nothing proves it")
    index, last = size - 1, new_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    return walk(index, last, proof[0], proof[1:]) == (root, new_root)


def checkpoint(note, key):
    """Return the size and the root of a signed checkpoint of the ledger that the key is named after."""
    name, key_id, public = key.split("+", 2)
    public = base64.b64decode(public)
    must(key_id == hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8], "the key's id is not its own")
    text, signatures = note.rsplit("\n\n", 1)
    blobs = [base64.b64decode(s.split(" ")[2]) for s in signatures.splitlines() if s.startswith(f"— {name} ")]
    signed = [blob[4:] for blob in blobs if blob[:4].hex() == key_id]
    must(public[0] == 1 and signed, "there is no signature by this key")
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[0], text.encode() + b"\n")
    origin, size, root = text.split("\n")[:3]
    must(origin == name, "the checkpoint is of another ledger")
    return int(size), base64.b64decode(root)


key, given, *files = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), *sys.argv[3:]
if files:
    old, new = (checkpoint(Path(file).read_text(), key) for file in files)
    proof = [base64.b64decode(hash_) for hash_ in given["proof"]]
    must(continues(*old, *new, proof), "the new ledger does not begin with the old one")
    print(f"PROVEN: the ledger of {new[0]} events begins with all {old[0]} events of the old one, unchanged")
else:
    given = given.get("receipt", given)
    size, root = checkpoint(given["checkpoint"], key)
    for event in given["events"]:
        index, path = event["position"] - 1, [base64.b64decode(hash_) for hash_ in event["proof"]]
        is_there = 0 <= index < size and walk(index, size - 1, leaf_hash(event), path)[1] == root
        must(is_there, f"event {index + 1} is not one of the {size} events that were signed")
    print(
        f"PROVEN: {len(given['events'])} events are, as they stand here, in the ledger of {size} events that was signed"
    )
