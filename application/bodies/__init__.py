"""Bodies of logged calls: they are kept beside the ledger, masked, encrypted, and deleted in time."""
