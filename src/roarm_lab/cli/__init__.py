"""The command `roarm`: one file per verb."""
