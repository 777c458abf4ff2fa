"""Run the command line: `python -m visualize`."""

from __future__ import annotations

import sys

from visualize.cli.signals import quit_on_interrupt

if __name__ == "__main__":
    # Before the rest is imported, so that Ctrl-C is a quiet end from the first moment on.
    quit_on_interrupt()
    from visualize.cli.main import main

    sys.exit(main())
