"""Use cases of the stage devices."""
