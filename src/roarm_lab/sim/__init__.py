"""A world that moves: the model built from a robot's facts, and the backends that step it."""
