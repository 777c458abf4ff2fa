"""Answers for notebooks 10 to 19."""

from __future__ import annotations

from .answers import Exercise, right, wrong

EXERCISES = {
    "10": Exercise(
        right={
            "afterwards": right(("after_route", "after_response")),
            "the log first": right(
                ('    tasks.after_route.schedule(log, f"price:{tea}")\n', ""),
                (
                    "tasks: Tasks) -> str:\n",
                    'tasks: Tasks) -> str:\n    tasks.schedule(log, f"price:{tea}")\n',
                ),
            ),
            "all in one task": right(
                ('["prices", "teas"])\n', '["prices", "teas"])\n    await log(key)\n'),
                ('    tasks.after_route.schedule(log, f"price:{tea}")\n', ""),
            ),
        },
        wrong={
            "the wrong way round": wrong(
                "invalidate began",
                ("    await update(key)\n", ""),
                ('"teas"])\n', '"teas"])\n    await update(key)\n'),
            ),
            "the log in between": wrong(
                "wait for the log",
                ("    await update(key)\n", "    await update_then_log(key)\n"),
                ('    tasks.after_route.schedule(log, f"price:{tea}")\n', ""),
            ),
            "no log": wrong(
                "log was not done", ('    tasks.after_route.schedule(log, f"price:{tea}")\n', "")
            ),
            "awaited": wrong(
                "client has to wait",
                (
                    'tasks.after_route.schedule(refresh, f"price:{tea}")',
                    'await refresh(f"price:{tea}")',
                ),
            ),
        },
    ),
    "11": Exercise(
        right={
            "after the route": right(("after_response", "after_route")),
            "a lambda": right(('(tell_partner, "Assam")', '(lambda: tell_partner("Assam"))')),
            "committed by the endpoint": right(
                ("FunctionDb", "Db"), ("    tasks.", "    stored.update(db)\n    tasks.")
            ),
        },
        wrong={
            "at once": wrong("was told 6", ("tasks.after_response", "tasks")),
            "awaited": wrong(
                "was told 6",
                (
                    'tasks.after_response.schedule(tell_partner, "Assam")',
                    'await tell_partner("Assam")',
                ),
            ),
            "the default, before the answer": wrong(
                "was told 6", ("FunctionDb", "Db"), ("after_response", "after_route")
            ),
            "slept for a while": wrong(
                "with luck",
                ("FunctionDb", "Db"),
                (
                    'tasks.after_response.schedule(tell_partner, "Assam")',
                    "async def later() -> None:\n        await asyncio.sleep(0.06)\n"
                    '        await tell_partner("Assam")\n\n'
                    "    tasks.after_response.schedule(later)",
                ),
            ),
            "nobody told": wrong("told 0 times", ("(tell_partner, ", "(str, ")),
        },
    ),
    "12": Exercise(
        right={
            "one scheduler": right(
                ("    paid =", "    later = tasks.after_response\n    paid ="),
                ("tasks.after_response.s", "later.s"),
            ),
            "with a name": right(
                ("response.schedule(thank", 'response.task(name="t").schedule(thank')
            ),
            "a lambda": right(("(thank, name)", "(lambda: thank(name))")),
            "one task for all three": right(
                (
                    '    tasks.after_response.schedule(reorder, "Assam")\n'
                    '    tasks.after_response.schedule(count_sale, "Assam")\n',
                    "",
                ),
                ("schedule(thank, name)", "schedule(afterwards, name)"),
                (
                    '@till.post("/sales")',
                    "async def afterwards(name):\n    await thank(name)\n"
                    '    await reorder("Assam")\n    await count_sale("Assam")\n\n\n'
                    '@till.post("/sales")',
                ),
            ),
        },
        wrong={
            "the money as well": wrong(
                "client got",
                ("await take_money()", "tasks.after_response.schedule(take_money) and None"),
            ),
            "one forgotten": wrong(
                "reorder began",
                ('tasks.after_response.schedule(reorder, "Assam")', 'await reorder("Assam")'),
            ),
            "at once": wrong(
                "is immediate", ("tasks.after_response.schedule(thank", "tasks.schedule(thank")
            ),
            "one left out": wrong(
                "count was never", ('    tasks.after_response.schedule(count_sale, "Assam")\n', "")
            ),
            "an argument too few": wrong("TypeError", ("(thank, name)", "(thank)")),
        },
    ),
    "13": Exercise(
        right={
            "one line more": right(("    tasks.after", "    later = tasks\n    later.after")),
            "with a name": right(("response.schedule", 'response.task(name="mail").schedule')),
            "a lambda": right(("(send_mail)", "(lambda: send_mail())")),
        },
        wrong={
            "at once": wrong("immediate", ("tasks.after_response", "tasks")),
            "other work": wrong("sent no mail", ("(send_mail)", "(asyncio.sleep, 0)")),
            "BackgroundTasks kept": wrong(
                "background",
                (
                    "join(tasks: Tasks) -> str:\n    tasks.after_response.schedule(",
                    "join(old: BackgroundTasks) -> str:\n    old.add_task(",
                ),
            ),
            "awaited as well": wrong(
                "1 tasks", ("    return", "    await send_mail()\n    return")
            ),
        },
    ),
    "14": Exercise(
        right={
            "share first": right(
                ("    tasks.after_response.schedule(share)\n", ""),
                (
                    "tasks: Tasks) -> str:\n",
                    "tasks: Tasks) -> str:\n    tasks.after_response.schedule(share)\n",
                ),
            ),
            "share at once": right(
                ("tasks.after_response.schedule(share)", "tasks.schedule(share)")
            ),
            "one task that gathers": right(
                ("    await publish()\n    await mail_members()", "    await both()"),
                (
                    "async def publish_and_mail() -> None:\n",
                    "async def both() -> None:\n    await publish()\n    await mail_members()\n\n\n"
                    "async def publish_and_mail() -> None:\n",
                ),
                ("    await both()", "    await asyncio.gather(both(), share())"),
                ("    tasks.after_response.schedule(share)\n", ""),
            ),
        },
        wrong={
            "one after another": wrong(
                "all was done",
                ("    await mail_members()\n", "    await mail_members()\n    await share()\n"),
                ("    tasks.after_response.schedule(share)\n", ""),
            ),
            "mailed twice": wrong(
                "all was done",
                (
                    "    await mail_members()\n",
                    "    await mail_members()\n    await mail_members()\n",
                ),
            ),
            "nothing shared": wrong(
                "share was never", ("    tasks.after_response.schedule(share)\n", "")
            ),
            "awaited": wrong(
                "client has to wait",
                ("tasks.after_response.schedule(publish_and_mail)", "await publish_and_mail()"),
            ),
        },
    ),
    "15": Exercise(
        right={
            "in another order of lines": right(
                ('    later.task(name="smile").schedule(work, "smile", 0.02)\n', ""),
                (
                    "    await",
                    '    later.task(name="smile").schedule(work, "smile", 0.02)\n    await',
                ),
            ),
            "without names": right(
                ('.task(name="kitchen")', ""),
                ('.task(name="bill")', ""),
                ('.task(name="smile")', ""),
            ),
        },
        wrong={
            "the kitchen awaited": wrong(
                "waits for the kitchen",
                (
                    'tasks.task(name="kitchen").schedule(work, "kitchen", 0.1)',
                    'await work("kitchen", 0.02)',
                ),
            ),
            "the kitchen after the route": wrong(
                "ms after the endpoint",
                ('tasks.task(name="kitchen")', 'tasks.after_route.task(name="kitchen")'),
            ),
            "the bill at once": wrong(
                "bill -", ('route.task(name="bill")', 'tasks.task(name="bill")')
            ),
            "the bill afterwards": wrong(
                "bill ", ('route.task(name="bill")', 'later.task(name="bill")')
            ),
            "the smile early": wrong(
                "smile too early", ('later.task(name="smile")', 'route.task(name="smile")')
            ),
            "no smile": wrong("no smile", ('(work, "smile"', '(work, "grin"')),
        },
    ),
    "16": Exercise(
        right={
            "one scheduler": right(
                ("    for tea", "    later = tasks.after_response\n    for tea"),
                ("tasks.after_response.task", "later.task"),
            ),
            "a lambda": right(("(pack, tea)", "(lambda tea=tea: pack(tea))")),
        },
        wrong={
            "no names": wrong("is called pack", (".task(name=tea)", "")),
            "at once": wrong("is immediate", ("tasks.after_response", "tasks")),
            "twice": wrong("packed were", ("in TEAS:", "in TEAS * 2:")),
            "a lambda that looks too late": wrong(
                "packed were", ("(pack, tea)", "(lambda: pack(tea))")
            ),
            "one missing": wrong("packed were", ("in TEAS:", "in TEAS[1:]:")),
            "one task": wrong(
                "is called",
                (".task(name=tea)", '.task(name="parcel")'),
            ),
        },
    ),
    "17": Exercise(
        right={
            "in another order": right(
                ('    "stock": "inline",\n', ""),
                (
                    '"survey": "after_response",\n',
                    '"survey": "after_response",\n    "stock": "inline",\n',
                ),
            ),
            "in capitals": right(('"inline"', '"Inline"')),
        },
        wrong={
            "stock": wrong("stock as immediate", ('"stock": "inline"', '"stock": "immediate"')),
            "lock early": wrong("lock as immediate", ("after_route", "immediate")),
            "lock late": wrong("lock as after_response", ("after_route", "after_response")),
            "render awaited": wrong(
                "render as inline", ('"render": "immediate"', '"render": "inline"')
            ),
            "survey": wrong("survey as after_route", ("after_response", "after_route")),
            "Starlette's": wrong("has the way", ("after_response", "BackgroundTasks")),
        },
    ),
    "18": Exercise(
        right={
            "numbers for words": right(("False", "0")),
            "words": right(("False", '"no"')),
        },
        wrong={
            "the other word": wrong("immediate: 180", ("False", '"yes"')),
            "it waits": wrong(
                "after_route: 180", ('endpoint", "waits": False', 'endpoint", "waits": True')
            ),
            "a wrong start": wrong("immediate starts", ("right away", "after the endpoint")),
        },
    ),
    "19": Exercise(
        right={
            "to_thread": right(
                (
                    "def report() -> None:\n    compute()",
                    "async def report() -> None:\n    await asyncio.to_thread(compute)",
                )
            ),
            "without report": right(("schedule(report)", "schedule(compute)")),
            "to_thread as the task": right(
                ("schedule(report)", "schedule(asyncio.to_thread, compute)")
            ),
        },
        wrong={
            "another mode": wrong("to stay", ("after_route", "after_response")),
            "a pause before it": wrong(
                "held the loop",
                (
                    "def report() -> None:",
                    "async def report() -> None:\n    await asyncio.sleep(0.03)",
                ),
            ),
            "nothing computed": wrong("0 reports", ("    compute()", "    pass")),
            "awaited": wrong(
                "to stay", ("tasks.after_route.schedule(report)", "await asyncio.to_thread(report)")
            ),
        },
    ),
}
