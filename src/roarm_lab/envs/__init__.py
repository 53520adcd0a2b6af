"""Environments: a configuration, reset and step, and the Gymnasium ids."""
