"""`python -m roarm_lab` is `roarm`."""

import sys

from roarm_lab.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
