"""Personal data: encrypted in the ledger with the key of whom it is about, and opened where it is shown."""
