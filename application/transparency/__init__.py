"""Transparency: a ledger as a Merkle tree that anybody can check by published standards."""
