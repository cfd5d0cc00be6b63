"""What every HTTP interface shares: who is asking, how a request is read, and how an answer or an error is written."""
