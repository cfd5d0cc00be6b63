"""What you can do to orders and integrations. Only this package writes them."""
