"""Stores for the bodies of logged calls: PostgreSQL, or an object store."""
