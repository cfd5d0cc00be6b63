"""The ledger: the port for appends and reads, and the form in which events are stored."""
