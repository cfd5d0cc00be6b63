"""Whether a ledger is what was signed: recomputed, compared with checkpoints, told, and its tree repaired."""
