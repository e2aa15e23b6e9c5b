"""``python -m dcme``."""

import sys

from dcme.cli import main

if __name__ == "__main__":
    sys.exit(main())
