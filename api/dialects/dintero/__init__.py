"""Dintero: an order's events, which are services' reports and actions through an API."""
