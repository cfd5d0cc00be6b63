"""What commands print and read: tables, durations, progress."""
