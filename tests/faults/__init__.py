"""Faults: what is done to a running system, a journal of what it acknowledged, and a check of what it kept."""
