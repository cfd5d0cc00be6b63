"""What every HTTP interface shares: how callers are identified, requests read, and answers and errors written."""
