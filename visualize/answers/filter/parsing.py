"""From an expression to a filter, or to an error that points at the word that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastapi_tasks import harmless
from fastapi_tasks.timeline import MODES, OUTCOMES
from visualize.units import nanoseconds

from .terms import (
    COMPARE,
    Ending,
    Error,
    Filter,
    Lasting,
    Method,
    Mode,
    Name,
    Part,
    Response,
    Route,
    Run,
    Status,
    Term,
    Text,
    Thread,
    Wait,
    Word,
)

TEXTS: dict[str, type[Text]] = {"name": Name, "route": Route, "error": Error, "method": Method}
CHOICES: dict[str, tuple[type[Text], tuple[str, ...]]] = {
    "mode": (Mode, MODES),
    "outcome": (Ending, OUTCOMES),
}
DURATIONS: dict[str, type[Lasting]] = {"wait": Wait, "run": Run, "response": Response}
FLAGS: dict[str, Callable[[], Term]] = {"thread": Thread}

_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"([A-Za-z_]+)(>=|<=|[:=<>])")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r"\S*")
_STATUS = re.compile(r"([1-9])([0-9]{2}|xx)")


class FilterError(ValueError):
    """Raised for an expression that cannot be read. `position` counts its characters from 0.

    The message names the word at that position, what is wrong with it and what to write.
    """

    def __init__(self, position: int, word: str, message: str) -> None:
        super().__init__(f"{harmless(word)} (character {position + 1}): {message}")
        self.position = position
        self.word = word


@dataclass(frozen=True, slots=True)
class _Token:
    """One word of an expression. `key` and `operator` are empty where it has none."""

    position: int
    written: str
    negated: bool
    key: str
    operator: str
    value: str
    quoted: bool

    def wrong(self, message: str) -> FilterError:
        return FilterError(self.position, self.written, message)


def parse(expression: str) -> Filter:
    """Read an expression. Raises FilterError, which points at the word that is wrong."""
    return Filter(tuple(Part(_term(token), token.negated) for token in _tokens(expression)))


def _tokens(text: str) -> Iterator[_Token]:
    at = _skip(text, 0)
    while at < len(text):
        token, end = _token(text, at)
        yield token
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _token(text: str, at: int) -> tuple[_Token, int]:
    negated = text[at] == "-"
    start = at + negated
    key = _KEY.match(text, start)
    value, end, quoted = _value(text, key.end() if key else start)
    token = _Token(
        at,
        text[at:end],
        negated,
        key[1].lower() if key else "",
        key[2] if key else "",
        value,
        quoted,
    )
    return token, end


def _value(text: str, at: int) -> tuple[str, int, bool]:
    """Read a value from here on: the value, where it ends, and whether it was quoted."""
    bare = _BARE.match(text, at)
    assert bare is not None
    if not text.startswith('"', at):
        return bare[0], bare.end(), False
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise FilterError(at, text[at:], 'the quote has no end: write another " after it')
    end = quoted.end()
    if end < len(text) and not text[end].isspace():
        raise FilterError(at, bare[0], "something follows the quote: write a space after it")
    return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), end, True


def _term(token: _Token) -> Term:
    key = token.key
    if not key:
        return _word(token)
    if key in DURATIONS:
        return _lasting(token)
    if key not in TEXTS and key not in CHOICES and key != "status":
        raise token.wrong(_unknown(token))
    if token.operator not in (":", "="):
        raise token.wrong(f"{key} is no duration: write {key}: and what to look for")
    if not token.value:
        raise token.wrong(f"nothing follows it: write {_example(key)}")
    if key == "status":
        return _status(token)
    if key in CHOICES:
        return _choice(token)
    return TEXTS[key](token.value.lower(), token.operator == "=")


def _word(token: _Token) -> Term:
    if not token.value:
        left_out = "is nothing" if token.quoted else "nothing follows it"
        raise token.wrong(f'{left_out}: write a word, such as -mail or "send mail"')
    if token.quoted:
        return Word(token.value.lower())
    if token.value[0] in ":=<>":
        raise token.wrong("it stands alone: write wait>100ms or name:mail, without spaces inside")
    flag = FLAGS.get(token.value.lower())
    return Word(token.value.lower()) if flag is None else flag()


def _lasting(token: _Token) -> Term:
    operator = next((known for known in COMPARE if known == token.operator), None)
    if operator is None:
        raise token.wrong(f"{token.key} is a duration: write {token.key}>100ms or {token.key}<1s")
    return DURATIONS[token.key](operator, _limit(token))


def _limit(token: _Token) -> int:
    if not token.value:
        raise token.wrong(f"nothing follows it: write {token.key}{token.operator}100ms")
    try:
        return nanoseconds(token.value)
    except ValueError as error:
        raise token.wrong(str(error)) from None


def _status(token: _Token) -> Term:
    found = _STATUS.fullmatch(token.value.lower())
    if found is None:
        raise token.wrong("there is no such status: write one, status:500, or a hundred, 5xx")
    if found[2] == "xx":
        return Status(int(found[1]) * 100, int(found[1]) * 100 + 99)
    return Status(int(found[0]), int(found[0]))


def _choice(token: _Token) -> Term:
    kind, known = CHOICES[token.key]
    value = token.value.lower()
    if value not in known:
        raise token.wrong(f"there is no such {token.key}: write one of {', '.join(known)}")
    return kind(value, exact=True)


def _example(key: str) -> str:
    examples = {
        "status": "500", "mode": MODES[0], "outcome": "error", "route": "/orders",
        "method": "POST", "error": "ConnectionError",
    }  # fmt: skip
    return f"{key}:{examples.get(key, 'mail')}"


def _unknown(token: _Token) -> str:
    there_are = ", ".join(f"{key}{token.operator}" for key in DURATIONS)
    if token.operator in (":", "="):
        there_are = ", ".join(f"{key}:" for key in (*TEXTS, *CHOICES, "status"))
    return f"{token.key} is none of the terms: write one of {there_are}, or put it in quotes"
