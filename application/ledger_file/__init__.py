"""Ledgers as files that somebody else can check, keep and import."""
