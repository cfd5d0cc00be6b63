"""Ledgers as files that others can check, keep and import."""
