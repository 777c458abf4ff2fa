"""Put the viewer's assets into a wheel as they are served: joined, shortened and deflated."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ViewerHook(BuildHookInterface[Any]):
    """Runs before a wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the assets to a wheel; an editable one reads them from the checkout."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from visualize.assets import ASSETS, shortened

        self.folder = tempfile.TemporaryDirectory()
        for name in ASSETS:
            file = Path(self.folder.name) / f"{name}.deflate"
            file.write_bytes(shortened(name))
            build_data["force_include"][str(file)] = f"visualize/viewer/built/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Let go of the files that are in the wheel by now."""
        if version != "editable":
            self.folder.cleanup()
