"""What follows ledgers, on PostgreSQL."""
