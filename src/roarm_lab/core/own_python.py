"""How this package starts another Python."""

import sys

OWN_PYTHON = (sys.executable, "-P")
"""This very interpreter. Without `-P` it would import what lies in the working folder first: a user's `tty.py` there
would take the place of the standard library's."""
