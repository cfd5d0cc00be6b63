"""The processes of `ordertrail serve`: a parent that gives up on nothing, workers that answer, and the projector."""
