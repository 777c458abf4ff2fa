from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import Pool, Run
from .upstream.suites import Compared, parts

ALIKE = pytest.StashKey[list[str]]()
FLOWS = Path(__file__).parent / "flows"
SEE = re.compile(r"^def (see_\w+)", re.MULTILINE)


def flows() -> list[tuple[str, str]]:
    """Return every flow: the file's name and the function's."""
    files = sorted(FLOWS.glob("*.py"))
    return [(file.stem, flow) for file in files for flow in SEE.findall(file.read_text())]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "flow" in metafunc.fixturenames:
        cases = [pytest.param(flow, id="-".join(flow)) for flow in flows()]
        metafunc.parametrize("flow", cases)
    if "part" in metafunc.fixturenames:
        cases = [pytest.param(part, id=str(part)) for part in parts()]
        metafunc.parametrize("part", cases)
    if "where" in metafunc.fixturenames:
        metafunc.parametrize("where", ["before", "after", "watching"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no core is idle in the end."""
    items.sort(key=lambda item: item.path.parent.name != "upstream")


@pytest.fixture(scope="session")
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Runs everything that the selected tests ask for, as many at once as there are cores."""
    pool = Pool()
    for item in request.session.items:
        for run in wanted(getattr(item, "callspec", None)):
            pool.start(run)
    yield pool
    pool.close()
    request.config.stash[ALIKE] = [
        f"{part}: {test}"
        for part, compared in pool.results()
        if isinstance(compared, Compared)
        for test in compared.alike
    ]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what nobody can pass here, so that it is not silent."""
    alike = config.stash.get(ALIKE, [])
    if alike:
        terminalreporter.section("tests of the suites that fail without ours as well")
        terminalreporter.write_line("\n".join(alike))


def wanted(callspec: Any) -> Iterator[Any]:
    """Return what a test with these parameters will ask the pool for."""
    params = callspec.params if callspec else {}
    if "part" in params:
        yield params["part"]
    if "flow" in params:
        integration, flow = params["flow"]
        yield Run(integration, flow, "without")
        if "where" in params:
            yield Run(integration, flow, params["where"])


@pytest.fixture
def plain(pool: Pool, flow: tuple[str, str]) -> dict[str, Any]:
    """What came of the flow without `add_tasks`."""
    result: dict[str, Any] = pool.result(Run(*flow, "without"))
    return result


@pytest.fixture
def ours(pool: Pool, flow: tuple[str, str], where: str) -> dict[str, Any]:
    """What came of the flow with `add_tasks`."""
    result: dict[str, Any] = pool.result(Run(*flow, where))
    return result
