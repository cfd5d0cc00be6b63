"""The persistence module of the `eventsourcing` package on our tables: its recorders, and its mapper."""
