"""S4: FastAPI's and Starlette's own tests pass with ours as they pass without."""

from __future__ import annotations

from ..running import Pool
from .expected import DIFFERENT
from .suites import Part


def test_what_passes_without_ours_passes_with_it(pool: Pool, part: Part) -> None:
    different: dict[str, str] = pool.result(part)
    files = set(part.files)
    expected = {
        test: reason
        for (suite, variant, test), reason in DIFFERENT.items()
        if (suite, variant) == (part.suite, part.variant) and test.split("::")[0] in files
    }
    unexpected = [f"{test}: {why}" for test, why in different.items() if test not in expected]
    no_more = [
        f"{test} passes now, against: {expected[test]}" for test in expected.keys() - different
    ]
    assert not unexpected + no_more, "\n" + "\n".join(unexpected + no_more)
