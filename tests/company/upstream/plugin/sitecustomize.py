"""Change apps and test clients as the variant asks, in every process of a test suite.

Python imports this by itself where this folder is on the path, so that the processes which tests
start are changed as well. COMPANY tells the variant; without it nothing happens.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from company_variants import Variant

Change = Callable[[Any], None]


class AfterImport(MetaPathFinder):
    """Changes a module as soon as it has been imported, and imports none by itself."""

    def __init__(self, changes: dict[str, Change]) -> None:
        self._changes = changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        change = self._changes.pop(fullname, None)
        spec = find_spec(fullname) if change else None
        if change is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            change(module)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


if "COMPANY" in os.environ:
    sys.meta_path.insert(0, AfterImport(Variant.parse(os.environ["COMPANY"]).changes))
