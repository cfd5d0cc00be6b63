"""Tenants, their credentials, and what whoever sends a request may do."""
