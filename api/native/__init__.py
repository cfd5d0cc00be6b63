"""Ordertrail's own HTTP interface under /trail/v1."""
