"""Personal data: encrypted in the ledger with the key of its subject, and decrypted where it is shown."""
