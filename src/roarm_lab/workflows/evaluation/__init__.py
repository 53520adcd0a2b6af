"""Use cases of the stage evaluation."""
