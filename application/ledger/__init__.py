"""The ledger: appends and reads, as whoever stores it has to provide them, and events as it stores them."""
