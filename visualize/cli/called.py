"""How the user calls the command line, for examples that can be copied as they stand."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPTS = ("fastapi-tasks-timeline", "tasks-timeline")


def called() -> str:
    """Return the name of the script that was started, or `python -m visualize`."""
    script = Path(sys.argv[0]).stem
    return script if script in SCRIPTS else "python -m visualize"
