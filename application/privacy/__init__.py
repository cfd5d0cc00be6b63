"""Personal data: encrypted on its way into the ledger with the key of whom it is about, and opened where it is shown."""
