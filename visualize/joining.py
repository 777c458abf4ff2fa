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
_STATEMENT = re.compile(r"^(?=[^\s})\]])", re.MULTILINE)
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
    Comments and indents stay at home, and so does what nothing in the script names. Raises
    ModuleError for what is neither `import { a } from "./b.js"` nor `export` before a declaration,
    for a circle, and for a name that two modules have. What the first one exports, the script does.
    """
    homes: dict[str, str] = {}
    statements: list[str] = []
    for name, text in _in_order(first, read, (), set()):
        body = _body(name, text)
        for one in _names(body):
            if one in homes:
                raise ModuleError(
                    f"{one} is there twice, in {homes[one]}.js and in {name}.js: "
                    "joined, they share one scope; rename one"
                )
            homes[one] = name
        statements += _STATEMENT.split(body)
    exported = _EXPORTED.findall(read(f"{first}.js"))
    script = "".join(["(() => {\n", *map(_short, _needed(statements, exported))])
    if exported:
        names = ", ".join(exported)
        return f"export const {{ {names} }} = {script}return {{ {names} }};\n}})();\n"
    return f"{script}}})();\n"


def _needed(statements: list[str], exported: list[str]) -> list[str]:
    """Leave out the declarations whose names stand in nothing that runs or is exported."""
    homes = {name: one for one in statements for name in _names(one)}
    found = [*(one for one in statements if not _names(one)), *(homes[name] for name in exported)]
    needed = set(found)
    while found:
        for name in set(re.findall(r"\w+", found.pop())) & homes.keys():
            if homes[name] not in needed:
                needed.add(homes[name])
                found.append(homes[name])
    return [one for one in statements if one in needed]


def _names(text: str) -> list[str]:
    """The names that are declared at the top of a module, or of a statement of it."""
    return [one for found in _TOP.findall(text) for one in re.findall(r"\w+", found)]


def _short(statement: str) -> str:
    short = _INDENT.sub("\n", _LAST_NOTE.sub("", statement).strip())
    return f"{short}\n" if short else ""


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
