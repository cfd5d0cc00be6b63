"""SHOPLINE's interface: its order operations, and the log that they write."""
