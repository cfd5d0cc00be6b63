"""The application's ports on PostgreSQL, and the embedded server."""
