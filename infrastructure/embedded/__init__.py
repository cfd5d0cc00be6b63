"""The PostgreSQL that comes with us. The first process that needs it starts it, and the last one stops it."""
