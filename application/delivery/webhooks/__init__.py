"""Webhooks: consumers that the server runs, and what it sends for them."""
