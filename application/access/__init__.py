"""Tenants, their credentials, and what the sender of a request may do."""
