"""The use cases, and the ports they need; knows the domain, no database and no HTTP."""
