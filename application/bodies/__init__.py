"""Bodies: what was said in logged calls. They are kept beside the ledger: masked, encrypted, and deleted in time."""
