"""Use cases of the stage deployment."""
