"""What follows ledgers: filters, reading on after a position, and what tells followers that a ledger has grown."""
