"""The Merkle trees of ledgers in PostgreSQL, and their repair."""
