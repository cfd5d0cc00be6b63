"""What is seen of requests: metrics, health, the access log, traces."""
