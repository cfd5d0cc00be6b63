"""Sendcloud: an integration's exception logs, which are failed calls to a shop's system."""
