"""Someone at the screen: sees what can be seen, has a pointer and a keyboard, counts each use."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from .screen import Screen

# All text whose middle lies in the window and is covered by nothing, line by line, with its box.
SEEN = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        if (!data.trim() || !parentElement.checkVisibility({ opacityProperty: true })) continue;
        const range = document.createRange();
        range.selectNodeContents(walker.currentNode);
        for (const { x, y, width, height } of range.getClientRects()) {
            const top = document.elementFromPoint(x + width / 2, y + height / 2);
            if (!top || !(top.contains(parentElement) || parentElement.contains(top))) continue;
            found.push([data.trim(), x, y, width, height]);
            break;
        }
    }
    return found;
}"""


class Person:
    """Knows nothing of the page but what it shows."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.actions = 0

    def texts(self) -> list[tuple[str, float, float, float, float]]:
        """All texts in sight, each with its box, in the order in which one reads."""
        found: list[Any] = self.screen.page.evaluate(SEEN)
        return [(text, x, y, width, height) for text, x, y, width, height in found]

    def read(self) -> str:
        """All that can be read, as one text."""
        return " ".join(" ".join(text for text, *_ in self.texts()).split())

    def sees(self, pattern: str) -> re.Match[str]:
        """Find what must be in sight."""
        read = self.read()
        found = re.search(pattern, read)
        assert found is not None, f"nothing reads {pattern!r} in: {read}"
        return found

    def waits_until(self, pattern: str, seconds: float = 15) -> re.Match[str]:
        """Look until something is in sight."""
        for _ in range(round(seconds * 10)):
            if found := re.search(pattern, self.read()):
                return found
            self.screen.page.wait_for_timeout(100)
        return self.sees(pattern)

    def box(self, pattern: str) -> tuple[float, float, float, float]:
        """Where the first text is that a pattern finds."""
        for text, *box in self.texts():
            if re.search(pattern, text):
                x, y, width, height = box
                return x, y, width, height
        raise AssertionError(f"nothing reads {pattern!r} in: {self.read()}")

    def clicks(self, pattern: str) -> None:
        """Click what reads like this."""
        x, y, width, height = self.box(pattern)
        self.clicks_at(x + min(width / 2, 40), y + height / 2)

    def clicks_at(self, x: float, y: float) -> None:
        self._acts(lambda: self.screen.page.mouse.click(x, y))

    def types(self, words: str, *, into: str) -> None:
        """Click into a field by what it says in it, and type."""
        field = self.screen.page.get_by_placeholder(re.compile(into))
        self._acts(lambda: field.fill(words))

    def presses(self, key: str) -> None:
        self._acts(lambda: self.screen.page.keyboard.press(key))

    def chooses(self, option: str, *, instead_of: str) -> None:
        """Choose from the list that shows something else now."""
        shown = self.screen.page.locator("select:visible").filter(has_text=instead_of)
        self._acts(lambda: shown.select_option(option))

    def picture(self, x: float, y: float, width: float, height: float) -> np.ndarray[Any, Any]:
        """What a part of the screen looks like: rows of red, green and blue."""
        clip = {"x": x, "y": y, "width": width, "height": height}
        shot = self.screen.page.screenshot(clip=clip)
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)

    def _acts(self, act: Callable[[], object]) -> None:
        act()
        self.actions += 1
        self.screen.settle()
