"""Answers for notebooks 20 to 25."""

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
}
