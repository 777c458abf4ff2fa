"""S4: FastAPI's and Starlette's own tests pass with ours as they pass without."""

from __future__ import annotations

from ..running import Pool
from .suites import Compared, Part


def test_what_passes_without_ours_passes_with_it(pool: Pool, part: Part) -> None:
    compared: Compared = pool.result(part)
    different, expected = compared.different, part.expected
    found = [f"{test}: {error}" for test, error in different.items() if test not in expected]
    # What fails without ours as well tells nothing, such as a limit of time on a busy machine.
    found += [
        f"{test} passes now, but is listed: {expected[test]}"
        for test in expected.keys() - different - set(compared.alike)
    ]
    assert not found, "\n" + "\n".join(found)
