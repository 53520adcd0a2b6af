"""Verbs of the stage devices."""
