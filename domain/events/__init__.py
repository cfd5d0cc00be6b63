"""The event catalogue: one frozen class per type of event, a module per part of an order's life."""
