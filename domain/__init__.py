"""What can happen to an order, the state that follows from it, and the decisions that this state allows."""
