"""`ordertrail backup` and `ordertrail restore`."""
