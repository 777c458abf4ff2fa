"""Debian's Firefox without a window, driven over WebDriver BiDi: no driver beside it is needed."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE = 30
"""Seconds that an answer, or what one waits for, may take."""
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.download.folderList": 2,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.unified": False,
    "ui.systemUsesDarkTheme": 0,
}
SETTLED = """(async () => {
    const host = document.querySelector("#timeline");
    while (!host.viewer) await new Promise(requestAnimationFrame);
    const { viewer } = host;
    await viewer.ready;
    for (let i = 0; i < 2; i++) {
        await viewer.settled();
        await new Promise(requestAnimationFrame);
    }
})()"""
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Control": "\ue009"}


class Firefox:
    """One window, which notes all that must not happen: errors, warnings, requests elsewhere."""

    def __init__(self, socket: ClientConnection, downloads: Path) -> None:
        self.socket = socket
        self.downloads = downloads
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self._numbers = itertools.count(1)
        self.call("session.new", capabilities={})
        events = ["log.entryAdded", "network.beforeRequestSent"]
        self.call("session.subscribe", events=events)
        tree = self.call("browsingContext.getTree")
        self.window: str = tree["contexts"][0]["context"]

    def call(self, method: str, **params: Any) -> Any:
        """Have a command carried out; raise RuntimeError with what it says if it cannot be."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = json.loads(self.socket.recv(timeout=PATIENCE))
            if told.get("id") == number:
                if told["type"] == "error":
                    raise RuntimeError(f"{method}: {told['message']}")
                return told["result"]
            self._hear(told)

    def _hear(self, told: dict[str, Any]) -> None:
        if told["method"] == "network.beforeRequestSent":
            self.requests.append(told["params"]["request"]["url"])
        elif told["method"] == "log.entryAdded" and told["params"]["level"] in ("warn", "error"):
            self.troubles.append(told["params"]["text"])

    def open(self, url: str) -> None:
        self.call("browsingContext.navigate", context=self.window, url=url, wait="complete")
        self.evaluate(SETTLED)

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is in the page; it must be something that JSON can hold."""
        found = self.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression}) ?? null))()",
            target={"context": self.window}, awaitPromise=True,
        )  # fmt: skip
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"]["value"])

    def until(self, expression: str) -> None:
        """Wait until an expression is true, looking at each frame."""
        self.evaluate(
            "new Promise((done, failed) => { const since = performance.now(); (function look() {"
            f" if ({expression}) return done(true);"
            f" if (performance.now() - since > {1000 * PATIENCE}) return failed(Error('never'));"
            " requestAnimationFrame(look) })() })"
        )

    def size(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.call("browsingContext.setViewport", context=self.window, viewport=viewport)

    def act(self, *sources: dict[str, Any]) -> None:
        """Do as a pointer, a wheel or a keyboard does, and let it be drawn."""
        self.call("input.performActions", context=self.window, actions=list(sources))
        self.evaluate(SETTLED)

    def click(self, x: float, y: float) -> None:
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        press = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        self.act({"type": "pointer", "id": "mouse", "actions": [move, *press]})

    def press_button(self, selector: str) -> None:
        """Click the middle of what a selector finds first."""
        self.click(*self.middle(selector))

    def middle(self, selector: str) -> tuple[float, float]:
        x, y = self.evaluate(
            f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        return x, y

    def zoom(self, x: float, y: float, by: int) -> None:
        """Turn the wheel at a place while Control is held."""
        turn = {"type": "scroll", "x": round(x), "y": round(y), "deltaX": 0, "deltaY": by}
        control = KEYS["Control"]
        self.act(
            {"type": "key", "id": "keys", "actions": [{"type": "keyDown", "value": control}]},
            {"type": "wheel", "id": "wheel", "actions": [{"type": "pause"}, turn]},
        )
        up = [{"type": "keyUp", "value": control}]
        self.act({"type": "key", "id": "keys", "actions": up})

    def type(self, words: str) -> None:
        """Type words, or press one key that has a name."""
        keys = [KEYS[words]] if words in KEYS else list(words)
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keys", "actions": strokes})


@contextmanager
def running(path: str, folder: Path) -> Iterator[Firefox]:
    """Run a Firefox with a profile of its own in a folder, and end it."""
    profile, downloads = folder / "profile", folder / "downloads"
    profile.mkdir()
    downloads.mkdir()
    told = PREFERENCES | {"browser.download.dir": str(downloads)}
    lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in told.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    command = [path, "--headless", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen(
        [*command, "--remote-debugging-port", "0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with connect(_address(process), max_size=None) as socket:
            yield Firefox(socket, downloads)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return f"{found[1]}/session"
    raise RuntimeError("Firefox ended before it listened")
