"""Ledgers and proofs in files: exported, checked, and imported."""
