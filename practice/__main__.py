"""`python -m practice`: see cli.py."""

import sys

from practice.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
