"""Connections to PostgreSQL, and statements on them: pools, deadlines, outages, and reads that are bounded."""
