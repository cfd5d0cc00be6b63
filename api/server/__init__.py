"""The processes of `ordertrail serve`: a parent that never gives up, workers that answer, and the projector."""
