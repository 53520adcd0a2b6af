"""Use cases of the stage start."""
