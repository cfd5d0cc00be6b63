"""Keeps a busy process going: room for large requests, loops that never end, and outages logged once."""
