"""Verbs of the stage learning."""
