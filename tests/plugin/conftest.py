from __future__ import annotations

import pytest

# Whatever a run in this process imports first would be gone after it.
import visualize.pytest_plugin.pages  # noqa: F401

from ..processes import ROOT
from .suites import PLUGIN


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for a suite, and a pytest that finds this checkout and its plugin."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "100")
    # In this process the plugin is there before each run.
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    options = ["-p no:cacheprovider", "-p no:hypothesispytest", "-W error", f"-W {ignored}"]
    options.append(" ".join(PLUGIN))
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(options))
    return pytester
