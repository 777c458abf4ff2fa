"""The same tasks as an HTML timeline by another library: `python peers.py LIBRARY TASKS FILE`.

TASKS is a JSON file of [name, mode, start, end], times in nanoseconds. Prints the seconds it took.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

LANES = 50

Task = list[Any]


def plotly(tasks: list[Task], file: str) -> None:
    import pandas
    import plotly.express

    frame = pandas.DataFrame(tasks, columns=["name", "mode", "start", "end"])
    frame["lane"] = frame.index % LANES
    frame["start"] = pandas.to_datetime(frame["start"])
    frame["end"] = pandas.to_datetime(frame["end"])
    figure = plotly.express.timeline(
        frame, x_start="start", x_end="end", y="lane", color="mode", hover_name="name"
    )
    figure.write_html(file)


def bokeh(tasks: list[Task], file: str) -> None:
    from bokeh.embed import file_html
    from bokeh.models import ColumnDataSource
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    colors = {"immediate": "#e86d18", "after_route": "#0072b2", "after_response": "#04513a"}
    names, modes, starts, ends = zip(*tasks, strict=True)
    source = ColumnDataSource(
        {
            "name": names,
            "lane": [index % LANES for index in range(len(tasks))],
            "left": [start / 1e6 for start in starts],
            "right": [end / 1e6 for end in ends],
            "color": [colors[mode] for mode in modes],
        }
    )
    plot = figure(width=1200, height=700, tooltips=[("task", "@name")], output_backend="webgl")
    plot.hbar(y="lane", left="left", right="right", height=0.8, color="color", source=source)
    Path(file).write_text(file_html(plot, INLINE, "timeline"))


def viztracer(tasks: list[Task], file: str) -> None:
    from viztracer.report_builder import ReportBuilder

    events = [
        {
            "ph": "X", "pid": 1, "tid": index % LANES + 1, "name": name, "cat": mode,
            "ts": start / 1e3, "dur": (end - start) / 1e3,
        }
        for index, (name, mode, start, end) in enumerate(tasks)
    ]  # fmt: skip
    report = {"traceEvents": events, "viztracer_metadata": {"overflow": False}}
    ReportBuilder(report, verbose=0).save(file)


def main(library: str, data: str, file: str) -> None:
    """Write the file and print how long that took, imports not counted."""
    draw = {"plotly": plotly, "Bokeh": bokeh, "VizTracer": viztracer}[library]
    tasks = json.loads(Path(data).read_text())
    with contextlib.redirect_stdout(io.StringIO()):
        draw(tasks[:10], file)
        began = time.perf_counter()
        draw(tasks, file)
        seconds = time.perf_counter() - began
    print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
