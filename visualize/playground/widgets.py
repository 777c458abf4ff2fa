"""The playground in a notebook: sliders, and the viewer below them."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets

from fastapi_tasks import Timeline
from fastapi_tasks.timeline import SCHEDULED_MODES
from visualize.lab import serve
from visualize.page import to_html

from .experiment import (
    KINDS,
    ROWS,
    SLIDER,
    START,
    Experiment,
    Step,
    make_app,
    run_blocking,
    verdict,
)

HEIGHT = 460

_shown: list[Playground] = []


def playground(experiment: Experiment = START) -> Playground:
    """Show an experiment, and run it again on a real server whenever something is changed.

    One playground runs at a time: a new one closes the one before.
    """
    while _shown:
        _shown.pop().close()
    _shown.append(Playground(experiment))
    return _shown[0]


class Playground:
    """What `playground` shows.

    `timeline` is the record of the last request, `widget` what is on the screen.
    """

    timeline: Timeline

    def __init__(self, experiment: Experiment) -> None:
        self._closed = False
        self._lab = serve(make_app()).__enter__()
        self._lab.warm_up("POST", "/try", json=START.model_dump())
        steps: list[Step | None] = [*experiment.tasks]
        steps += [None] * (ROWS - len(steps))
        self._endpoint = Row("endpoint", experiment.kind, experiment.ms)
        self._tasks = [TaskRow(f"task {n}", step) for n, step in enumerate(steps, start=1)]
        self._view = ipywidgets.HTML(layout=ipywidgets.Layout(width="100%"))
        rows = [self._endpoint, *self._tasks]
        self.widget = ipywidgets.VBox([*(row.widget for row in rows), self._view])
        for row in rows:
            for control in row.controls:
                control.observe(self._changed, names="value")
        self.run()

    @property
    def experiment(self) -> Experiment:
        """What the controls say."""
        tasks = [row.step for row in self._tasks if row.step is not None]
        return Experiment(kind=self._endpoint.kind.value, ms=self._endpoint.ms.value, tasks=tasks)

    def run(self) -> Timeline:
        """Send a request, and show and return its timeline."""
        self.timeline = run_blocking(self._lab, self.experiment)
        document = html.escape(to_html(self.timeline, title=verdict(self.timeline)))
        self._view.value = (
            f'<iframe sandbox="allow-scripts" srcdoc="{document}" title="timeline" '
            f'style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
        )
        return self.timeline

    def close(self) -> None:
        """Stop the server; the controls stay, without effect."""
        self._closed = True
        self._lab.stop()

    def _changed(self, _: object) -> None:
        if not self._closed:
            self.run()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)


class Row:
    """The controls of the endpoint: of what kind, and how long."""

    def __init__(self, name: str, kind: str, ms: int, kinds: tuple[str, ...] = ()) -> None:
        kinds = kinds or ("awaits", "blocks")
        choices = [(words, kind) for kind, words in KINDS.items() if kind in kinds]
        self.kind = ipywidgets.Dropdown(options=choices, value=kind, layout=_wide(170))
        self.ms = ipywidgets.IntSlider(
            value=ms, max=max(ms, SLIDER), step=5, description="ms", continuous_update=False,
            style={"description_width": "24px"},
        )  # fmt: skip
        self.controls = [self.kind, self.ms]
        before = [ipywidgets.Label(name, layout=_wide(70)), ipywidgets.Label(layout=_wide(140))]
        self.widget = ipywidgets.HBox([*before, *self.controls])


class TaskRow(Row):
    """The controls of a task: its mode as well."""

    def __init__(self, name: str, step: Step | None) -> None:
        shown = step or Step(mode="immediate", kind="blocks", ms=50)
        super().__init__(name, shown.kind, shown.ms, tuple(KINDS))
        self.mode = ipywidgets.Dropdown(
            options=["off", *SCHEDULED_MODES], value=step.mode if step else "off", layout=_wide(140)
        )
        self.controls.insert(0, self.mode)
        self.widget.children = [self.widget.children[0], *self.controls]

    @property
    def step(self) -> Step | None:
        """The task that the controls describe, None if it is off."""
        if self.mode.value == "off":
            return None
        return Step(mode=self.mode.value, kind=self.kind.value, ms=self.ms.value)


def _wide(pixels: int) -> Any:
    return ipywidgets.Layout(width=f"{pixels}px")
