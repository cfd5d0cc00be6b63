"""Checks what Ordertrail proves, and uses nothing of it: Python 3.11 and `pip install cryptography`.

python verifier.py KEY proof.json            a receipt, or the proof of an event or of all events of an order
python verifier.py KEY proof.json old new    that the checkpoint in the file new continues the one in the file old
KEY is the ledger's, or a line for each. By RFC 6962 and 9162, C2SP signed-note and tlog-checkpoint.
It ends with 0 if it is PROVEN, 1 if it is NOT PROVEN, and 2 if it is NOT CHECKED: no such file, cut off, another's key.
"""

import base64
import hashlib
import json
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def must(condition, otherwise, status=1):
    if not condition:
        print(f"NOT {'CHECKED' if status == 2 else 'PROVEN'}: {otherwise}", file=sys.stderr)
        sys.exit(status)


def text_of(file):
    text = Path(file).read_text("utf-8-sig")  # whatever an editor or a shell put before it
    must(text.strip(), f"{file} is empty", 2)
    return text


def once_each(members):
    must(len(dict(members)) == len(members), "an object has a member twice, of which each reader takes another one")
    return dict(members)


def leaf_hash(event):
    tenant, stream, event_id, type_ = names = [event[n].encode() for n in ("tenant", "stream", "event_id", "type")]
    blobs = [base64.b64decode(event[name], validate=True) for name in ("data", "metadata")]
    lengths = " ".join(str(len(part)) for part in names + blobs).encode()
    place = [tenant, b"%d" % event["position"], stream, b"%d" % event["version"]]
    header = b"\n".join([b"ordertrail event v1", lengths, *place, event_id, type_, b""])
    moments = [datetime.fromisoformat(event[name]) for name in ("occurred_at", "recorded_at")]
    since_2000 = [(moment - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for moment in moments]
    return hashlib.sha256(b"\x00" + header + struct.pack(">qq", *since_2000) + b"".join(blobs)).digest()


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


def checkpoint(note, keys):
    """Return the size and the root of a checkpoint that one of its ledger's keys has signed."""
    text, signatures = note.rstrip().rsplit("\n\n", 1)
    blobs = [(line.split(" ")[1], base64.b64decode(line.split(" ")[2])) for line in signatures.splitlines()]
    signed = []
    for name, key_id, encoded in [key.split("+", 2) for key in keys.split()]:
        public = base64.b64decode(encoded)
        must(key_id == hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8], "a key's id is not its own", 2)
        for blob in [blob for who, blob in blobs if (who, blob[:4].hex(), public[0]) == (name, key_id, 1)]:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(blob[4:], text.encode() + b"\n")
            signed.append(name)
    origin, size, root = text.split("\n")[:3]
    must(origin in signed, "there is no signature by this key", 2)
    return int(size), base64.b64decode(root)


try:
    keys, *files = sys.argv[1].removeprefix("\ufeff"), *sys.argv[3:]
    given = json.loads(text_of(sys.argv[2]), object_pairs_hook=once_each)
    if files:
        old, new = (checkpoint(text_of(file), keys) for file in files)
        proof = [base64.b64decode(hash_) for hash_ in given["proof"]]
        must(continues(*old, *new, proof), "the new ledger does not begin with the old one")
        print(f"PROVEN: the ledger of {new[0]} events begins with all {old[0]} events of the old one, unchanged")
    else:
        given = given.get("receipt", given)
        size, root = checkpoint(given["checkpoint"], keys)
        for event in given["events"]:
            index, path = event["position"] - 1, [base64.b64decode(hash_) for hash_ in event["proof"]]
            is_there = 0 <= index < size and walk(index, size - 1, leaf_hash(event), path)[1] == root
            must(is_there, f"event {index + 1} is not one of the {size} events that were signed")
        must(given["events"], "there is no event in it", 2)
        print(f"PROVEN: {len(given['events'])} events are, as they stand here, in the ledger of {size} that was signed")
except InvalidSignature:
    must(False, "it is not as it was signed: the signature is false")
except Exception as wrong:
    must(False, f"it is none of the files that this checks, or was cut off: {wrong!r}", 2)
