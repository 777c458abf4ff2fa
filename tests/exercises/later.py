"""Answers for notebooks 20 to 30."""

from __future__ import annotations

from .answers import Exercise, right, wrong

POOLED = """    loop = asyncio.get_running_loop()
    found = loop.run_in_executor(pool, statistics.pstdev, sales)
    results.append(await found)"""

PATIENT = """    for number in range(4):
        try:
            return await mail(works_at)
        except ConnectionError:
            if number == 3:
                raise
            await asyncio.sleep(0.02)"""

TWENTY = """    for first in members[::20]:
        async with asyncio.TaskGroup() as group:
            for member in range(first, first + 20):
                group.create_task(mail_news(member))"""

SHIELDED = "later.task(shield=True)"

EXERCISES = {
    "20": Exercise(
        right={
            "submit": right(
                (
                    POOLED,
                    "    found = pool.submit(statistics.pstdev, sales)\n"
                    "    results.append(await asyncio.wrap_future(found))",
                )
            ),
            "a thread that waits for the pool": right(
                ("async def", "def"),
                (
                    POOLED,
                    "    results.append(pool.submit(statistics.pstdev, sales).result())",
                ),
            ),
        },
        wrong={
            "to_thread": wrong(
                "processor time",
                (POOLED, "    results.append(await asyncio.to_thread(statistics.pstdev, sales))"),
            ),
            "def": wrong(
                "processor time",
                ("async def", "def"),
                (POOLED, "    results.append(statistics.pstdev(sales))"),
            ),
            "the loop waits for the pool": wrong(
                "held the loop",
                (
                    POOLED,
                    "    results.append(pool.submit(statistics.pstdev, sales).result())",
                ),
            ),
            "the default executor": wrong("processor time", ("(pool, ", "(None, ")),
            "asleep": wrong("no result", (POOLED, "    await asyncio.sleep(0.2)")),
            "not computed": wrong("only", (POOLED, "    results.append(right)")),
            "not awaited": wrong(
                "no result", (POOLED, "    pool.submit(statistics.pstdev, sales)")
            ),
        },
    ),
    "21": Exercise(
        right={
            "five tasks": right(
                ("members[::20]", "members[:1]"),
                ("first + 20", "first + len(members)"),
                (
                    "tasks.after_response.schedule(send_news, range(60))",
                    "[tasks.schedule(send_news, range(n, n + 12)) for n in range(0, 60, 12)]",
                ),
            ),
            "all together": right(("members[::20]", "members[::60]"), ("+ 20", "+ 60")),
            "a semaphore": right(
                (
                    TWENTY,
                    "    few = asyncio.Semaphore(20)\n\n    async def one(member):\n"
                    "        async with few:\n            await mail_news(member)\n\n"
                    "    await asyncio.gather(*map(one, members))",
                )
            ),
        },
        wrong={
            "not waited for": wrong(
                "before its mails",
                (
                    TWENTY,
                    "    for member in members:\n"
                    "        kept.append(asyncio.create_task(mail_news(member)))",
                ),
                ("desk = ", "kept = []\ndesk = "),
            ),
            "a task each": wrong(
                "60 tasks",
                (
                    "tasks.after_response.schedule(send_news, range(60))",
                    "[tasks.schedule(mail_news, n) for n in range(60)]",
                ),
            ),
            "some twice": wrong("mails to", ("first + 20):", "first + 21):")),
            "in the endpoint": wrong(
                "client waits",
                (
                    "tasks.after_response.schedule(send_news, range(60))",
                    "for n in range(60):\n        await mail_news(n)\n"
                    "    tasks.schedule(asyncio.sleep, 0)",
                ),
            ),
        },
    ),
    "22": Exercise(
        right={
            "a lambda": right(
                ("on_error=report", "on_error=lambda task, error: report(task, error)")
            ),
            "asynchronous": right(
                ("desk = ", "async def tell(task, error):\n    report(task, error)\n\n\ndesk = "),
                ("on_error=report", "on_error=tell"),
            ),
            "one that looks at the name": right(
                (", on_error=ignore", ""),
                ("on_error=report", "on_error=sort"),
                (
                    "desk = ",
                    "def sort(task, error):\n"
                    '    (ignore if task.name == "statistics" else report)(task, error)\n\n\n'
                    "desk = ",
                ),
            ),
        },
        wrong={
            "at each task": wrong(
                "unseen failed",
                ("config=TaskConfig(on_error=report)", ""),
                ('name="mail"', 'name="mail", on_error=report'),
                ('name="warehouse"', 'name="warehouse", on_error=report'),
            ),
            "no exception": wrong("statistics failed", (", on_error=ignore", "")),
            "ignored": wrong("mail failed", ("on_error=report", "on_error=ignore")),
        },
    ),
    "23": Exercise(
        right={
            "to_thread": right(
                (
                    "def print_label() -> None:\n    old_driver()",
                    "async def print_label() -> None:\n    await asyncio.to_thread(old_driver)",
                )
            ),
            "a loop of its own": right(
                (
                    "async def mail() -> None:\n    await new_client()",
                    "def mail() -> None:\n    asyncio.run(new_client())",
                )
            ),
            "returned to be awaited": right(
                ("async def mail() -> None:\n    await", "def mail():\n    return")
            ),
        },
        wrong={
            "on the loop": wrong("held the loop", ("def print_label", "async def print_label")),
            "never awaited": wrong("mail ran", ("    await new_client()", "    new_client()")),
            "from a thread without a loop": wrong(
                "RuntimeError",
                ("async def mail", "def mail"),
                ("    await new_client()", "    asyncio.ensure_future(new_client())"),
            ),
            "nothing printed": wrong("print_label ran", ("    old_driver()", "    pass")),
        },
    ),
    "24": Exercise(
        right={
            "while": right(
                (
                    PATIENT,
                    "    left = 4\n    while True:\n        try:\n"
                    "            await mail(works_at)\n            break\n"
                    "        except ConnectionError:\n            left -= 1\n"
                    "            if not left:\n                raise\n"
                    "        await asyncio.sleep(0.02)",
                )
            ),
            "itself again": right(
                ("works_at: int)", "works_at: int, left: int = 3)"),
                (
                    PATIENT,
                    "    try:\n        await mail(works_at)\n    except ConnectionError:\n"
                    "        if left == 0:\n            raise\n"
                    "        await asyncio.sleep(0.02)\n"
                    "        await mail_with_patience(works_at, left - 1)",
                ),
            ),
            "in a thread": right(
                ("async def", "def"),
                ("return await mail(works_at)", "return asyncio.run(mail(works_at))"),
                ("await asyncio.sleep", "time.sleep"),
            ),
        },
        wrong={
            "on the loop": wrong("hold the loop", ("await asyncio.sleep", "time.sleep")),
            "another error": wrong(
                "RuntimeError",
                ("                raise", '                raise RuntimeError("no")'),
            ),
            "after it worked": wrong("at try 4", ("return await", "await")),
            "no pause": wrong("between two tries", ("asyncio.sleep(0.02)", "asyncio.sleep(0)")),
            "given up silently": wrong(
                "the error is None", ("                raise", "                return")
            ),
            "three tries": wrong("3 tries", ("range(4)", "range(3)"), ("== 3", "== 2")),
            "for ever": wrong("9 tries", ("range(4)", "range(9)"), ("== 3", "== 8")),
        },
    ),
    "25": Exercise(
        right={
            "less time": right(("shutdown_timeout=5", "shutdown_timeout=4")),
            "one scheduler": right(
                (f"    {SHIELDED}", f"    safe = {SHIELDED}\n    safe"),
            ),
            "with a name": right(
                (f"{SHIELDED}.schedule(book)", 'later.task(name="b", shield=True).schedule(book)')
            ),
            "a lambda": right(("schedule(book)", "schedule(lambda: book())")),
            "a default, and an exception": right(
                (
                    "shutdown_timeout=5",
                    "shutdown_timeout=5, config=TaskConfig(shield=True)",
                ),
                (SHIELDED, "later"),
                ("later.schedule(newsletter)", "later.task(shield=False).schedule(newsletter)"),
                ("desk = ", "from fastapi_tasks import TaskConfig\n\ndesk = "),
            ),
        },
        wrong={
            "a longer grace period": wrong(
                "has no shield", ("grace_period=0.1", "grace_period=1.5"), (SHIELDED, "later")
            ),
            "both": wrong("grace period has to stay", ("grace_period=0.1", "grace_period=1.2")),
            "no time": wrong("nothing was booked", ("shutdown_timeout=5", "shutdown_timeout=0.2")),
            "everything": wrong(
                "newsletter was not cut off",
                ("shutdown_timeout=5", "shutdown_timeout=1.5"),
                ("later.schedule(newsletter)", f"{SHIELDED}.schedule(newsletter)"),
            ),
            "one of two": wrong(
                "nothing was reserved",
                (f"{SHIELDED}.schedule(reserve)", "later.schedule(reserve)"),
            ),
        },
    ),
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
