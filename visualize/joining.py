"""The viewer's modules as one: what a page carries, since it may fetch nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function\b|const\b|let\b|class\b)", re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_TOP = re.compile(
    r"^(?:(?:async )?function\*? |class |(?:const|let) )(\w+|[\[{][^=]*(?= =))", re.MULTILINE
)
_COMMENT = re.compile(r"^[\t ]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_CAST = re.compile(r"/\*\* @type [^\n]*?\*/ ?")
_INDENT = re.compile(r"\n\s+")
_LAST_NOTE = re.compile(r"[\t ]+// [^\n\"'`]*$", re.MULTILINE)

Reader = Callable[[str], str]
"""Returns the text of a file of the viewer, by its name."""


class ModuleError(ValueError):
    """Raised for modules that cannot be joined."""


def source(name: str) -> str:
    """Return the text of a file of the viewer."""
    return Path(__file__).with_name("viewer").joinpath(name).read_text("utf-8")


def joined(first: str, read: Reader = source) -> str:
    """Return a module and all that it imports as one script without imports.

    They share one scope, so that each name at the top of a module is there once in all of them.
    Comments and indents stay at home. Raises ModuleError for what is neither
    `import { a } from "./b.js"` nor `export` before a declaration, for a circle, and for a name
    that two modules have. What the first one exports, the script does.
    """
    homes: dict[str, str] = {}
    bodies = []
    for name, text in _in_order(first, read, (), set()):
        body = _body(name, text)
        for found in _TOP.findall(body):
            for one in re.findall(r"\w+", found):
                if one in homes:
                    raise ModuleError(
                        f"{one} is there twice, in {homes[one]}.js and in {name}.js: "
                        "joined, they share one scope; rename one"
                    )
                homes[one] = name
        bodies.append(_INDENT.sub("\n", _LAST_NOTE.sub("", body).strip()))
    script = "".join(["(() => {\n", *(f"{body}\n" for body in bodies)])
    if exported := ", ".join(_EXPORTED.findall(read(f"{first}.js"))):
        return f"export const {{ {exported} }} = {script}return {{ {exported} }};\n}})();\n"
    return f"{script}}})();\n"


def _in_order(
    name: str, read: Reader, above: tuple[str, ...], seen: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield each module once, after those that it imports."""
    if name in above:
        raise ModuleError(f"the modules import each other: {' → '.join([*above, name])}")
    if name in seen:
        return
    text = read(f"{name}.js")
    for needed in _IMPORT.findall(text):
        yield from _in_order(needed, read, (*above, name), seen)
    seen.add(name)
    yield name, text


def _body(name: str, text: str) -> str:
    body = _CAST.sub("", _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", text))))
    left = _LEFT.search(body)
    if left:
        raise ModuleError(f"{name}.js has a line that cannot be joined: {left[0]}")
    return body
