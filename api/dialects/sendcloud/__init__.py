"""Sendcloud: an integration's exception logs, which are calls to a shop's system that failed."""
