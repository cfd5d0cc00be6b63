"""Bodies: what was said in logged calls, which is kept beside the ledger, masked, encrypted, and deleted in time."""
