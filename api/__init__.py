"""Drives the application: HTTP in five dialects, the command line, and the composition root."""
