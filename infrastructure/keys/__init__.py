"""Credentials, and the keys that encrypt and sign, in PostgreSQL."""
