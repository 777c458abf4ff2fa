# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
#     "prometheus-client",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Metrics for Prometheus from the recorder's events: responses and background work apart.

A histogram of a whole request would mix what the client waits for with what runs after it has
left. Here the response ends when it was sent, and each task has a wait and a run of its own.

uv run examples/prometheus_metrics.py
"""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from fastapi_tasks import Event, Tasks, add_tasks
from visualize import lab

RESPONSE = Histogram("response_seconds", "From the request to its last byte sent", ["route"])
WAIT = Histogram("task_wait_seconds", "From a task's release to its start", ["task", "mode"])
RUN = Histogram("task_run_seconds", "From a task's start to its end", ["task", "mode"])
ENDED = Counter("tasks_ended", "Tasks by how they ended", ["task", "mode", "outcome"])

app = FastAPI()
recorder = add_tasks(app)
recorder.ignore("/metrics")


def measure(event: Event) -> None:
    """Count what just happened; called where it happens, so it must not block."""
    timeline, task = event.timeline, event.task
    # Only now is its route known: as declared, never the path, for of paths there is no end.
    if event.kind == "request_end" and timeline.response_sent is not None:
        seconds = (timeline.response_sent - timeline.request_start) / 1e9
        RESPONSE.labels(timeline.route or "none").observe(seconds)
    elif event.kind == "finished" and task is not None:
        if task.waited is not None and task.ran is not None:
            WAIT.labels(task.name, task.mode).observe(task.waited / 1e9)
            RUN.labels(task.name, task.mode).observe(task.ran / 1e9)
        ENDED.labels(task.name, task.mode, task.outcome or "open").inc()


recorder.subscribe(measure)


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def send_mail(to: str) -> None:
    await asyncio.sleep(0.2)


@app.post("/orders/{number}")
async def order(number: int, tasks: Tasks) -> dict[str, str]:
    tasks.after_response.schedule(send_mail, "someone@example.org")
    return {"status": "processing"}


if __name__ == "__main__":
    with lab.serve(app) as server:
        for number in range(5):
            server.timeline(server.post(f"/orders/{number}"))
        lines = server.get("/metrics").text.splitlines()
    for line in lines:
        if line.partition("{")[0] in {"response_seconds_count", "response_seconds_sum"}:
            print(line)
        if line.startswith(("task_run_seconds_sum", "tasks_ended_total")):
            print(line)
