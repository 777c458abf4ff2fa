"""Findings for a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from visualize.words import duration

from .finding import Finding

NONE = "Nothing was found that made anything late or fail."
"""What is said where there is no finding."""

_MEANING = re.compile(r"[\\*\[\]<>#|~]|(?<!\w)_|_(?!\w)")


def to_markdown(findings: Sequence[Finding]) -> str:
    """Write a list with what each finding cost."""
    if not findings:
        return NONE
    lines = []
    for finding in findings:
        cost = f"**{duration(finding.cost)}** · " if finding.cost else ""
        lines.append(f"- {cost}{_escaped(str(finding))}")
    return "\n".join(lines)


def _escaped(words: str) -> str:
    """Words in which no name has a meaning for Markdown; what is code, every second part, stays."""
    parts = words.split("`")
    parts[::2] = (_MEANING.sub(lambda found: f"\\{found[0]}", part) for part in parts[::2])
    return "`".join(parts)
