"""The page as text: its size, what it carries, what it refuses. tests/browser shows it at work."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from typing import Any

import pytest

from fastapi_tasks.timeline import MODES
from tests.samples import checkout, random_timelines
from tests.short import short_assets
from visualize import explain
from visualize.answers.wire import findings_json
from visualize.assets import SCRIPTS, asset
from visualize.columns import pack
from visualize.joining import joined
from visualize.page import LIVE_POLICY, live_html, to_html
from visualize.sheet import markup, style
from visualize.theme import COLORS, contrast

KB = 1024


class Parsed(HTMLParser):
    """What a browser finds in a page: its elements, and the text of each script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script" and self.cdata_elem:
            self.scripts[-1] += data

    @property
    def policy(self) -> str:
        metas = [attributes for tag, attributes in self.elements if tag == "meta"]
        return next(m["content"] or "" for m in metas if "http-equiv" in m)

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


def test_sizes() -> None:
    # Of a checkout: what a wheel brings is shorter.
    assert len(gzip.compress(to_html([]).encode())) <= 62 * KB
    assert len(gzip.compress(to_html(random_timelines(1000, 10)).encode())) <= 250 * KB


def test_sizes_of_what_a_wheel_brings() -> None:
    with short_assets() as short:
        if not short:
            pytest.skip("tdewolff-minify is not installed")
        opened = live_html("events").encode(), asset("timeline.js").encode()
        assert sum(len(gzip.compress(one)) for one in opened) <= 39 * KB
        page = to_html([]).encode()
        assert len(page) <= 68 * KB
        assert len(gzip.compress(page)) <= 51 * KB


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_stands_alone(name: str) -> None:
    module = asset(f"{name}.js")
    brought = re.findall(r"^\s*import\b|(?<=await )import\(.*?\)", module, re.M)
    assert brought == (['import("./later.js")'] if name == "timeline" else [])
    exported = re.findall(r"^export const \{.*?\}", module, re.M)
    assert exported == (["export const { complete }"] if name == "later" else [])
    assert not re.search(r"\beval\(|new Function", module)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", module)
    assert "</script" not in module
    assert "<!--" not in module
    assert "innerHTML" not in module


def test_the_page_carries_data_module_and_policy() -> None:
    page = Parsed(to_html(checkout(), title="A & B"))
    module = zlib.decompress(base64.b64decode(page.scripts[1]), -zlib.MAX_WBITS).decode()
    assert module == asset("file.js")
    assert page.scripts[2] == asset("unpack.js")
    assert page.policy == policy_of(module, page.scripts[2])
    data = page.data
    assert data["title"] == "A & B"
    assert data["align"] == "clock"
    found = findings_json(explain(checkout()))
    assert data["recordings"] == [{"label": "", "packed": pack([checkout()], found)}]
    assert json.dumps(style(), ensure_ascii=False) in module


def policy_of(*scripts: str) -> str:
    """The policy under which these scripts run and nothing else does."""
    hashes = (hashlib.sha256(script.encode()).digest() for script in scripts)
    told = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)
    return f"default-src 'none'; script-src {told}; img-src data:"


def test_nothing_is_fetched_and_no_handler_is_inline() -> None:
    for tag, attributes in Parsed(to_html(checkout()) + markup()).elements:
        assert "src" not in attributes
        assert not (attributes.get("href") or "#").startswith(("http", "//", "data"))
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "<!--<script>", "{data}{script}%s", "\u2028"]
)
def test_names_stay_inside_of_the_data(name: str) -> None:
    page = Parsed(to_html({name: checkout(), "b": checkout()}, title=name))
    assert len(page.scripts) == 3
    assert [recording["label"] for recording in page.data["recordings"]] == [name, "b"]
    assert page.data["title"] == name


def test_recordings_by_label_are_aligned_at_their_start() -> None:
    recordings = {"before": [checkout(1)], "after": iter([checkout(2)])}
    data = Parsed(to_html(recordings)).data
    assert data["align"] == "request_start"
    assert [(one["label"], one["packed"]) for one in data["recordings"]] == [
        (label, pack([one], findings_json(explain(one))))
        for label, one in (("before", checkout(1)), ("after", checkout(2)))
    ]
    assert {change["name"] for change in data["changes"]} >= {"POST /checkout", "send_mail"}
    assert Parsed(to_html(checkout(), align="response_sent")).data["align"] == "response_sent"


def test_what_is_no_timeline_is_refused() -> None:
    with pytest.raises(TypeError, match="'nonsense' is not a Timeline"):
        to_html(["nonsense"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="align='start' does not exist: use 'clock' or"):
        to_html(checkout(), align="start")  # type: ignore[arg-type]


def test_the_live_page_has_no_inline_script() -> None:
    page = Parsed(live_html("events?x=1&y=2", script="assets/t.js", title="<App>", limit=7))
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert scripts[0]["type"] == "application/json"
    assert scripts[1] == {"type": "module", "src": "assets/t.js"}
    assert page.policy == LIVE_POLICY
    assert page.data["events"] == "events?x=1&y=2"
    assert page.data["limit"] == 7
    assert page.data["title"] == "<App>"
    # What it saves is a file that carries the script of a file as it is.
    assert page.data["policy"] == policy_of(asset("file.js"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_on_bars_can_be_read(theme: Any) -> None:
    rule = re.search(rf"\[data-theme={theme}\]{{(.*)}}", Parsed(to_html([])).data["themes"])
    assert rule is not None
    colors = dict(re.findall(r"--([\w-]+):(#\w{6});", rule[1]))
    assert {name: colors[name] for name in COLORS[theme]} == COLORS[theme]
    for name in (*MODES, "endpoint", "busy"):
        assert contrast(colors[f"ink-{name}"], colors[name]) >= 4.5
        assert contrast(colors["paper"], colors[name]) >= 3
    assert contrast(colors["span"], colors["paper"]) >= 3
    assert contrast(colors["muted"], colors["paper"]) >= 4.5


def test_actions_and_parts_of_the_markup_are_known_to_the_modules() -> None:
    module = "".join(map(joined, SCRIPTS))
    actions = re.search(r"const ACTIONS = \{(.*?)\n\};", module, re.DOTALL)
    assert actions is not None
    for action in set(re.findall(r'data-action="(\w+)"', markup())):
        assert re.search(rf"\b{action}\b", actions[1]), action
    for part in set(re.findall(r'data-part="(\w+)"', markup())):
        assert re.search(rf"\b{part}\b", module), part


def test_a_page_needs_no_matplotlib() -> None:
    program = "import sys, visualize.page as p; p.to_html([]); print('matplotlib' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


def test_what_a_page_is_made_of_is_built_where_there_is_no_fastapi() -> None:
    program = (
        "import sys, visualize.assets as a; a.asset('file.js'); print('fastapi' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"
