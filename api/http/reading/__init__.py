"""How requests are read: codings, JSON, parameters, and what is wrong with them."""
