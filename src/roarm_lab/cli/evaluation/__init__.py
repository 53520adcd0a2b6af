"""Verbs of the stage evaluation."""
