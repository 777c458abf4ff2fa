"""The viewer's modules as one: what a page carries, since it may fetch nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|const|let|class) (\w+)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[\t ]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"\n\s+")
_LAST_NOTE = re.compile(r"[\t ]+// [^\n\"'`]*$", re.MULTILINE)


class ModuleError(ValueError):
    """Raised for modules that cannot be joined."""


@cache
def joined(first: str) -> str:
    """Return a module and all that it imports as one script without imports.

    Each module becomes a scope of its own, so that names need to be unique in none but their own.
    Comments and indents stay at home. Raises ModuleError for what is neither `import { a } from "./b.js"` nor
    `export` before a declaration, and for a circle.
    """
    return "".join(_scope(name, text) for name, text in _in_order(first, (), set()))


def source(name: str) -> str:
    """Return the text of a file of the viewer."""
    return files("visualize").joinpath("viewer", name).read_text("utf-8")


def _in_order(name: str, above: tuple[str, ...], seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each module once, after those that it imports."""
    if name in above:
        raise ModuleError(f"the modules import each other: {' → '.join([*above, name])}")
    if name in seen:
        return
    text = source(f"{name}.js")
    for _, needed in _IMPORT.findall(text):
        yield from _in_order(needed, (*above, name), seen)
    seen.add(name)
    yield name, text


def _scope(name: str, text: str) -> str:
    imports = "".join(
        f"const {{ {names.strip().replace(' as ', ': ')} }} = {_variable(module)};\n"
        for names, module in _IMPORT.findall(text)
    )
    exports = ", ".join(found for _, found in _EXPORT.findall(text))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub("", text))
    left = _LEFT.search(_COMMENT.sub("", body))
    if left:
        raise ModuleError(f"{name}.js has a line that cannot be joined: {left[0]}")
    body = _INDENT.sub("\n", _LAST_NOTE.sub("", _COMMENT.sub("", body)).strip())
    return (
        f"const {_variable(name)} = (() => {{\n{imports}{body}\nreturn {{ {exports} }};\n}})();\n"
    )


def _variable(module: str) -> str:
    return "$" + module.replace("-", "_")
