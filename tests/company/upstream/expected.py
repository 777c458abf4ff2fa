"""Which tests of the suites differ with ours, and why that is right."""

from __future__ import annotations

DIFFERENT: dict[tuple[str, str, str], str] = {}
"""The suite, the variant and the test; and the reason."""
