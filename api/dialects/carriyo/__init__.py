"""Carriyo: the system logs of an order, which are HTTP calls about it."""
