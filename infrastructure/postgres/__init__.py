"""Connections to PostgreSQL and statements on them: pools, deadlines, outages, and bounded reads."""
