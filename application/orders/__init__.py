"""What can be done to orders and to integrations: the only place that writes them."""
