"""Run the command line: `python -m visualize`."""

from __future__ import annotations

import sys

from visualize.cli.signals import quit_on_interrupt

if __name__ == "__main__":
    quit_on_interrupt()
    from visualize.cli import main

    sys.exit(main())
