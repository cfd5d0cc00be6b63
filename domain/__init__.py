"""What can happen to an order, what an order is because of it, and which decisions it allows."""
