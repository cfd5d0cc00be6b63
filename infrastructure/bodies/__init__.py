"""Where the bodies of logged calls are kept: in PostgreSQL, or in an object store."""
