"""The name of an SQL statement: its verb and its main table, and never anything that is a value.

Where it is not plain which part is a literal, the name is the verb alone: dialects differ in what
begins and ends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

LONGEST = 4000
"""Characters of a statement that are looked at."""

LONGEST_NAME = 100
"""Characters that a table's name may have to be shown."""

_PART = r"""(?:[^\W\d][\w$]*+ | "[^"\\]*"(?!") | `[^`'"\\]*`(?!`) | \[[^\]\['"`\\]*\])"""
_TOKEN = re.compile(
    rf"""
    (?P<space> \s+ | --(?=\s|$)[^\r\n]*(?:\r?\n|$) | /\*(?!M?!)(?:(?!/\*|\*/).)*\*/ )
  | (?P<text> '(?:[^'\\]|'')*+' )
  | (?P<name> {_PART}(?:\.{_PART})*+ (?!['"`]) )
  | (?P<other> \$?\d[\w.]* | /(?!\*) | -(?!-) | [(),;.+*%<>=!|&^~?:@{{}}] )
    """,
    re.VERBOSE | re.DOTALL,
)
_PARTS = re.compile(_PART, re.VERBOSE)
_PLAIN = re.compile(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*)*")

_VERBS = re.compile(
    "ALTER|ANALYZE|ATTACH|BEGIN|CALL|COMMENT|COMMIT|COPY|CREATE|DECLARE|DELETE|DETACH|DROP|EXEC|"
    "EXECUTE|EXPLAIN|FETCH|GRANT|INSERT|LISTEN|LOCK|MERGE|NOTIFY|PRAGMA|REFRESH|REINDEX|RELEASE|"
    "REPLACE|REVOKE|ROLLBACK|SAVEPOINT|SELECT|SET|SHOW|START|TRUNCATE|UPDATE|USE|VACUUM|VALUES|WITH"
)
# The word that stands before the main table.
_BEFORE_TABLE = {
    "SELECT": "FROM",
    "DELETE": "FROM",
    "INSERT": "INTO",
    "REPLACE": "INTO",
    "MERGE": "INTO",
    "CREATE": "TABLE",
    "ALTER": "TABLE",
    "DROP": "TABLE",
}
_TABLE_NEXT = ("UPDATE", "TRUNCATE")
_AFTER_WITH = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE")
# What may stand between that word and the table.
_PASSED = re.compile("ABORT|EXISTS|FAIL|IF|IGNORE|LATERAL|NOT|ONLY|OR|REPLACE|ROLLBACK|TABLE")
_NO_TABLE = ("VALUES", "WITH", "UNNEST", "ROWS")


def statement_name(statement: str, quote: str = '"') -> str:
    """Name a statement, such as `SELECT orders`; `quote` is what begins a quoted name in it."""
    if len(statement) > LONGEST:
        statement = statement[:LONGEST].rpartition(" ")[0]
    return _named(statement, quote)


@lru_cache(512)
def _named(statement: str, quote: str) -> str:
    tokens = _tokens(statement)
    verb = next((word.upper() for kind, word in tokens if word != "("), "")
    if not _VERBS.fullmatch(verb):
        return "SQL"
    if verb == "WITH":
        verb = _verb_after_with(tokens) or "WITH"
    table = _table(verb, tokens, quote)
    return f"{verb} {table}" if table else verb


def _tokens(statement: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each token, up to the first that is not plain."""
    position = 0
    while (found := _TOKEN.match(statement, position)) is not None:
        position = found.end()
        if found.lastgroup not in (None, "space"):
            yield str(found.lastgroup), found[0]


def _verb_after_with(tokens: Iterator[tuple[str, str]]) -> str | None:
    depth = 0
    for kind, text in tokens:
        depth += (text == "(") - (text == ")")
        if kind == "name" and depth == 0 and text.upper() in _AFTER_WITH:
            return text.upper()
    return None


def _table(verb: str, tokens: Iterator[tuple[str, str]], quote: str) -> str | None:
    before = _BEFORE_TABLE.get(verb)
    due = verb in _TABLE_NEXT
    depth = level = 0
    last = ""
    for kind, text in tokens:
        word = text.upper() if kind == "name" else ""
        depth += (text == "(") - (text == ")")
        if depth < level:
            return None
        if not due:
            # Not the one of `IS DISTINCT FROM`.
            due = word == before and depth == level and last != "DISTINCT"
        elif text == "(":
            level = depth
        elif word == "SELECT":
            # The main table is that of the query in the parentheses.
            due, before = False, "FROM"
        elif not _PASSED.fullmatch(word):
            return _plain(text, quote) if word and word not in _NO_TABLE else None
        last = word
    return None


def _plain(name: str, quote: str) -> str | None:
    """Return the name without its quotes; None where they may be those of a literal."""
    parts = _PARTS.findall(name)
    if any(part[0] in '"`[' and part[0] != quote for part in parts):
        return None
    plain = ".".join(part[1:-1] if part[0] == quote else part for part in parts)
    return plain if len(plain) <= LONGEST_NAME and _PLAIN.fullmatch(plain) else None
