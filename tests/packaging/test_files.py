"""What is built: complete, well described, and fit to be read where it stands alone."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
import zlib
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import fastapi_tasks
import visualize
from visualize.assets import ASSETS, asset, shortened

from ..processes import ROOT
from .environments import Built, run, tool

pytestmark = pytest.mark.packaging

README_HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"][
    "hooks"
]["fancy-pypi-readme"]


@pytest.fixture(scope="module")
def metadata(built: Built) -> Message:
    """What an index shows of the wheel."""
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(wheel.read(name))


def test_twine_accepts_both_strictly(built: Built) -> None:
    run(tool("twine"), "check", "--strict", built.wheel, built.sdist)


def test_the_wheel_holds_what_a_wheel_should(built: Built) -> None:
    run(tool("check-wheel-contents"), built.wheel, cwd=ROOT)


def test_pyroma_finds_nothing_to_complain_about(built: Built) -> None:
    assert "Final rating: 10/10" in run(tool("pyroma"), built.sdist)


def test_the_wheel_holds_both_packages_whole_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(ROOT))
        for package in ("fastapi_tasks", "visualize")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == wanted | {f"visualize/viewer/built/{name}.deflate" for name in ASSETS}
    assert {"fastapi_tasks/py.typed", "visualize/py.typed"} <= names


def test_the_wheel_holds_what_the_browser_tests_drive(built: Built) -> None:
    pytest.importorskip("minify", reason="tdewolff-minify is not installed")
    with zipfile.ZipFile(built.wheel) as wheel:
        for name in ASSETS:
            carried = wheel.read(f"visualize/viewer/built/{name}.deflate")
            short = zlib.decompress(carried, -zlib.MAX_WBITS)
            assert short == zlib.decompress(shortened(name), -zlib.MAX_WBITS), name
            assert len(short) <= len(asset(name)), name


def test_the_sdist_holds_what_tests_it_and_nothing_that_was_made(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        tops = {Path(name).parts[1] for name in sdist.getnames()}
    assert {"fastapi_tasks", "visualize", "tests", "notebooks", "LICENSE", "CHANGELOG.md"} <= tops
    assert not {name for name in tops if "venv" in name or "cache" in name}
    assert built.sdist.stat().st_size < 6_000_000


def test_the_version_is_said_once_and_known_everywhere(built: Built, metadata: Message) -> None:
    version = fastapi_tasks.__version__
    assert visualize.__version__ == version
    assert metadata["Version"] == version
    assert f"-{version}-" in built.wheel.name


def test_each_python_that_it_names_is_admitted(metadata: Message) -> None:
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(metadata.get_all("Classifier", [])), re.M)
    assert named == ["3.11", "3.12", "3.13", "3.14"]
    assert metadata["Requires-Python"] == f">={named[0]}"


def test_the_library_needs_no_more_than_fastapi_brings(metadata: Message) -> None:
    needs = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert {re.split(r"[<>=\[]", need)[0] for need in needs} == {"fastapi", "anyio", "pydantic"}


class TestReadme:
    def test_has_no_link_that_is_lost_on_an_index(self, metadata: Message) -> None:
        links = re.findall(r"\]\(([^)]+)\)", str(metadata.get_payload()))
        assert links
        assert [link for link in links if not link.startswith(("https://", "#"))] == []

    def test_links_to_files_that_there_are(self, metadata: Message) -> None:
        text = str(metadata.get_payload())
        # Wherever the project has its home: pyproject.toml says what a link becomes on an index.
        raw, source = (
            re.sub(r"^.*?\(|\\\d\)$", "", one["replacement"])
            for one in README_HOOK["substitutions"]
        )
        pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
        assert pictures
        assert [one for one in pictures if not one.startswith(raw)] == []
        links = re.findall(r"\]\(([^)#]+)", text)
        files = [
            re.sub(f"^({source}|{raw})", "", one) for one in links if one.startswith((source, raw))
        ]
        assert len(files) > 5
        assert [file for file in files if not (ROOT / file).exists()] == []

    def test_says_under_each_picture_what_it_shows(self, metadata: Message) -> None:
        pictures = re.findall(r"!\[(.*?)\]\(", str(metadata.get_payload()), re.DOTALL)
        assert pictures
        assert all(len(words) > 40 for words in pictures)
