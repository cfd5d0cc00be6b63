"""How views are kept up to date: the projector, its loop, and derivation anew beside the live views."""
