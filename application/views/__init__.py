"""What is read: views of the ledger, how they are derived, kept up to date, proven and asked."""
