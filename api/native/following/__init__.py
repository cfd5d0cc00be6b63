"""Following the ledger: the feed, streams, bulk loads, consumers and webhooks."""
