"""The README's example runs, and prints what the README shows but for the measured numbers."""

import re
import subprocess
import sys
from pathlib import Path

from visualize.cli.main import COMMANDS
from visualize.painters import PAINTERS

from .test_painters import options_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def block(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


def shape(output: str) -> list[list[str]]:
    """Keep the words and the glyphs, without numbers and bars."""
    bare = re.sub(r"[−\d.]+( [nµm]?s| min)?|[░▒▓▂█▏▎▍▌▋▊▉╌━╍┄├┤─┊│]", " ", output)
    return [line.split() for line in bare.strip().splitlines()]


def test_the_example_prints_what_is_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("example")],
        capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    # Where marks lie close together the layout writes fewer words between them.
    assert shape(done.stdout)[2:] == shape(block("output"))[2:]


def test_every_make_target_that_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make ([\w-]+)", README, re.MULTILINE)):
        assert f"\n{target}: " in makefile


def test_it_lists_every_form_and_no_other() -> None:
    forms = {f"--{painter.form}" for painter in PAINTERS}
    (line,) = re.findall(r"^tasks-timeline show run\.jsonl (--html .*)$", README, re.MULTILINE)
    assert set(re.findall(r"--\w+", line)) == forms
    assert set(re.findall(r"`(to_\w+)\(timelines", README)) | {"to_png", "to_svg"} == {
        painter.function for painter in PAINTERS
    }


def test_every_option_that_it_names_exists() -> None:
    offered = {option for command in COMMANDS for option in options_of(command)}
    # Those of uv, of platforms and of the plugin are others'.
    others = {"--from", "--with", "--time", "--graceful-timeout", "--timeline", "--timeline-dir"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", re.sub(r"<!--.*?-->", "", README)))
    assert named - others <= offered


def test_every_file_that_it_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
