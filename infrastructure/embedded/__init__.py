"""The PostgreSQL that comes with us: started with the first process that needs it, and stopped by the last."""
