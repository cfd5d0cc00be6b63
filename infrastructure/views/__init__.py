"""The views in PostgreSQL: read, written, rebuilt beside the live ones, and watched."""
