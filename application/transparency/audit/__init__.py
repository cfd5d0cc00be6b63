"""Audits of ledgers: their trees are computed again, compared with checkpoints, and repaired."""
