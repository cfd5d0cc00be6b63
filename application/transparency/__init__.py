"""Transparency: a ledger as a Merkle tree, which anybody can check by published standards."""
