"""Dintero: an order's events, which are what services report of it and what was done to it through an API."""
