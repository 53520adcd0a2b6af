"""Verbs of the stage deployment."""
