"""The ledgers in PostgreSQL: appends by group commit, reads, and imports."""
