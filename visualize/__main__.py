"""Run the command line: `python -m visualize`, or the script `fastapi-tasks-timeline`."""

from __future__ import annotations

import sys

from visualize.cli.signals import quit_on_interrupt


def run() -> int:
    """Run the command that the process was started with; return its exit code."""
    # Before the rest is imported, so that Ctrl-C is a quiet end from the first moment on.
    quit_on_interrupt()
    from visualize.cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
