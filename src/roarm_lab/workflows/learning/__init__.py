"""Use cases of the stage learning."""
