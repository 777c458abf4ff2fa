"""Answers for notebooks 26 to 30."""

from __future__ import annotations

from .answers import Exercise, right, wrong

EXERCISES = {
    "26": Exercise(
        right={
            "more threads": right(("threads=10", "threads=20")),
            "a partner that is awaited": right(
                ("threads=10", "threads=2"),
                ("schedule(call_partner)", "schedule(partner)"),
                (
                    "def draw_label",
                    "async def partner() -> None:\n    await asyncio.sleep(0.1)\n\n\n"
                    "def draw_label",
                ),
            ),
            "to_thread": right(
                (
                    "def draw_label() -> None:\n    time.sleep(0.12)",
                    "async def draw_label() -> None:\n"
                    "    await asyncio.to_thread(time.sleep, 0.12)",
                )
            ),
        },
        wrong={
            "two threads": wrong("No thread was free", ("threads=10", "threads=2")),
            "the default scope": wrong("had closed", (', scope="function"', "")),
            "not drawn": wrong("some work is missing", ("    time.sleep(0.12)", "    pass")),
            "on the loop": wrong("held the event loop", ("def draw_label", "async def draw_label")),
            "one task less": wrong(
                "five tasks", ("    tasks.after_response.schedule(draw_label)\n", "")
            ),
        },
    ),
    "27": Exercise(
        right={
            "one scheduler": right(
                ("    tasks.after_response", "    later = tasks.after_response\n    later")
            ),
            "with names": right(
                ("response.schedule(work", 'response.task(name="paper").schedule(work'),
            ),
            "one task for both": right(
                ('    tasks.after_response.schedule(work, "parcel")\n', ""),
                ('schedule(work, "invoice")', "schedule(both)"),
                (
                    '@desk.post("/sales")',
                    "async def both() -> None:\n"
                    '    await asyncio.gather(work("invoice"), work("parcel"))\n\n\n'
                    '@desk.post("/sales")',
                ),
            ),
        },
        wrong={
            "the log awaited": wrong(
                "too few: after_response", ('tasks.schedule(work, "log")', 'await work("log")')
            ),
            "the invoice after the route": wrong(
                "after_response, after_route",
                (
                    '    tasks.after_response.schedule(work, "invoice")\n',
                    '    tasks.after_route.schedule(work, "invoice")\n',
                ),
            ),
            "BackgroundTasks kept": wrong(
                "background",
                ("tasks: Tasks", "tasks: Tasks, old: BackgroundTasks"),
                ('tasks.after_response.schedule(work, "parcel")', 'old.add_task(work, "parcel")'),
            ),
            "create_task kept": wrong(
                "spawned",
                ('tasks.schedule(work, "log")', 'kept.add(asyncio.create_task(work("log")))'),
            ),
            "the log afterwards": wrong(
                "log began only", ("tasks.schedule(work", "tasks.after_response.schedule(work")
            ),
            "the invoice at once": wrong(
                "invoice -",
                (
                    'tasks.after_response.schedule(work, "invoice")',
                    'tasks.schedule(work, "invoice")',
                ),
            ),
            "no parcel": wrong("no parcel", ('(work, "parcel")', '(work, "letter")')),
        },
    ),
    "28": Exercise(
        right={
            "a task of its own": right(
                ("await into_queue()", "await asyncio.create_task(into_queue())")
            ),
            "shielded": right(("await into_queue()", "await asyncio.shield(into_queue())")),
        },
        wrong={
            "slept for a while": wrong(
                "by luck",
                ("await into_queue()", "tasks.schedule(into_queue)\n    await asyncio.sleep(0.05)"),
            ),
            "at once": wrong("in the queue", ("await into_queue()", "tasks.schedule(into_queue)")),
            "the parcel as well": wrong(
                "client waited", ("await into_queue()", "await into_queue()\n    await post()")
            ),
            "twice": wrong(
                "2 jobs", ("await into_queue()", "await into_queue()\n    await into_queue()")
            ),
            "never": wrong("0 jobs", ("await into_queue()", "pass")),
        },
    ),
    "29": Exercise(
        right={
            "longer": right(("200", "300")),
            "the duration first": right(
                (
                    'kind.value, duration.value = "blocks", 200',
                    'duration.value = 200\nkind.value = "blocks"',
                )
            ),
        },
        wrong={
            "after the response": wrong("the client waited", ("immediate", "after_response")),
            "awaiting": wrong("the client waited", ('"blocks"', '"awaits"')),
            "in a thread": wrong("the client waited", ('"blocks"', '"thread"')),
            "too short": wrong("the client waited", ("200", "60")),
            # The last one: what is set stays set.
            "the endpoint": wrong(
                "has to stay",
                ("label, mode, kind, duration = task_1.children\n", ""),
                ('mode.value = "immediate"\n', ""),
                ('kind.value, duration.value = "blocks", 200', "endpoint.children[-1].value = 200"),
            ),
        },
    ),
    "30": Exercise(
        right={
            "released": right((".started", ".released")),
            "the other way round": right(
                (
                    'request.task("mail").started >= request.response_sent',
                    'request.response_sent <= request.task("mail").started',
                )
            ),
            "the mode": right(
                (
                    'request.task("mail").started >= request.response_sent',
                    'request.task("mail").mode == "after_response"',
                )
            ),
            "without an assert": right(
                (
                    '    assert request.task("mail").started >= request.response_sent',
                    '    if request.task("mail").started < request.response_sent:\n'
                    '        pytest.fail("too early")',
                ),
                ("from shop", "import pytest\nfrom shop"),
            ),
        },
        wrong={
            "the order": wrong(
                "an after_route mail",
                (
                    'request.task("mail").started >= request.response_sent',
                    'request.order == ["book", "mail"]',
                ),
            ),
            "the endpoint's end": wrong("an immediate mail", ("response_sent", "endpoint_end")),
            "fails always": wrong("the good shop", (">=", "<")),
            "no such task": wrong("the good shop", ('"mail"', '"letter"')),
        },
    ),
}
