"""Views: how they are derived from the ledger, kept up to date, proven, and queried."""
