"""Verbs of the stage start."""
