"""What a test sees of the viewer, and what it does with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SETTLED = """async () => {
    const host = document.querySelector("#timeline");
    while (!host.viewer) await new Promise(requestAnimationFrame); // its script is unpacked first
    const { viewer } = host;
    await viewer.ready;
    for (let i = 0; i < 2; i++) {
        await viewer.settled();
        await new Promise(requestAnimationFrame);
    }
}"""

PLACE = """([type, name]) => {
    const v = document.querySelector("#timeline").viewer.state;
    for (const [of, { recording, holds }] of v.app.shown.entries()) {
        const size = type === "held" ? holds.length : recording.tables[type].size;
        const records = Array.from({ length: size }, (_, i) =>
            type === "held" ? holds[i] : recording.read(type, i));
        for (const [index, one] of records.entries()) {
            if (name !== null && (one.name ?? one.path ?? one.culprit) !== name) continue;
            const box = v.lanes.locator().locate({ type, of, index });
            const stage = v.part.stage.getBoundingClientRect();
            if (!box?.row.height) continue;
            return [...[box.x, box.mid, box.end].map((x) => stage.x + x), stage.y + box.y, box.h];
        }
    }
    return null;
}"""


class Label(NamedTuple):
    """Words that were written into the picture, and their box in pixels of the picture."""

    words: str
    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Label) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class Place(NamedTuple):
    """Where a bar is, in pixels of the window: it waits from `x` to `mid`, then runs to `end`."""

    x: float
    mid: float
    end: float
    y: float
    height: float

    @property
    def center(self) -> tuple[float, float]:
        return (self.mid + self.end) / 2, self.y + self.height / 2


class View(NamedTuple):
    """What part of the axis is seen, in nanoseconds, and how far the rows are scrolled."""

    begin: float
    end: float
    y: float

    @property
    def span(self) -> float:
        return self.end - self.begin


class Screen:
    """A window that notes all that must not happen, unless its page is not ours."""

    def __init__(self, context: Any, *, ours: bool = True) -> None:
        self.context = context
        self.troubles: list[str] = []
        self.page = context.new_page()
        self.origin = ""
        if ours:
            self.page.on("console", self._hear)
            self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
            self.page.on("request", self._watch)

    def open(self, url: str) -> None:
        self.origin = _origin(url)
        self.page.mouse.move(0, 0)
        self.page.goto(url)
        self.settle()

    def settle(self) -> None:
        """Wait until the data is read and what changed has been drawn."""
        self.page.evaluate(SETTLED)

    def close(self) -> None:
        self.context.close()

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _watch(self, request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")) and _origin(request.url) != self.origin:
            self.troubles.append(f"request to {request.url}")

    def state(self, what: str) -> Any:
        """Evaluate an expression over `v`, the viewer's state."""
        return self.page.evaluate(
            f"() => {{ const v = document.querySelector('#timeline').viewer.state; return {what} }}"
        )

    @property
    def view(self) -> View:
        return View(*self.state("[v.view.begin, v.view.end, v.view.y]"))

    @property
    def measured(self) -> list[float] | None:
        found: list[float] | None = self.state("v.range ?? null")
        return found

    def find(self, name: str | None, type: str = "tasks") -> Place:
        """Where the bar of a task stands, or that of something else."""
        found = self.page.evaluate(PLACE, [type, name])
        assert found is not None, f"there is no {type} {name}"
        return Place(*found)

    def labels(self) -> list[Label]:
        """All words in the picture, and where they are."""
        found = self.state(
            "v.labels.map(({words, x, y, width, height}) => [words, x, y, width, height])"
        )
        return [Label(*one) for one in found]

    def texts(self) -> list[str]:
        """All texts of the picture."""
        return [label.words for label in self.labels()]

    def tasks(self) -> list[str]:
        """The names of the tasks that are shown."""
        found: list[str] = self.state(
            "v.app.shown.flatMap(({recording, selected}) => [...selected.tasks.keys()]"
            ".filter((i) => selected.tasks[i]).map((i) => recording.value('tasks', 'name', i)))"
        )
        return found

    def show(self, panel: str) -> None:
        """Choose one of the views: summary, lanes, table or compare."""
        self.click(f".panels [data-with={panel}]")

    def search(self, text: str) -> None:
        self.page.locator("[data-part=search]").fill(text)
        self.settle()

    def facts(self) -> dict[str, str]:
        """What the details say of what is chosen."""
        rows = self.page.locator(".details dl.facts")
        names, said = rows.locator("dt").all_inner_texts(), rows.locator("dd").all_inner_texts()
        return dict(zip(names, said, strict=True))

    def painted(self) -> bool:
        """Whether there are strips of pixels, as for crowds of bars."""
        found: bool = self.state("v.drawn.crowd")
        return found

    def text(self, part: str) -> str:
        found: str = self.page.locator(f"[data-part={part}]").inner_text()
        return found

    def sentence(self) -> str:
        """What the details say first."""
        found: str = self.page.locator(".details .sentence").inner_text()
        return found

    def visible(self, selector: str) -> bool:
        found: bool = self.page.locator(selector).is_visible()
        return found

    def press(self, *keys: str) -> None:
        """Press keys while the picture has the focus."""
        self.page.locator(".stage").focus()
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def click(self, selector: str) -> None:
        self.page.locator(selector).click()
        self.settle()

    def wheel(self, x: float, y: float, dx: float, dy: float, *, held: str = "") -> None:
        self.page.mouse.move(x, y)
        if held:
            self.page.keyboard.down(held)
        self.page.mouse.wheel(dx, dy)
        if held:
            self.page.keyboard.up(held)
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, held: str = "") -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        if held:
            self.page.keyboard.down(held)
        mouse.down()
        mouse.move(*end, steps=4)
        mouse.up()
        if held:
            self.page.keyboard.up(held)
        self.settle()

    def save(self, kind: str, folder: Path, *, all: bool = False) -> bytes:
        """Save through the menu what is shown, or all of it, and return what was saved."""
        self.page.locator("summary").click()
        self.page.locator("[data-part=all]").set_checked(all)
        with self.page.expect_download() as download:
            self.page.locator(f"button[data-with={kind}]").click()
        assert download.value.suggested_filename == f"timeline.{kind}"
        file = folder / download.value.suggested_filename
        download.value.save_as(file)
        return file.read_bytes()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
