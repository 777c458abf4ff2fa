"""Answers for notebooks 00 to 09."""

from __future__ import annotations

from .answers import Exercise, right, wrong

EXERCISES = {
    "00": Exercise(
        right={
            "at once": right(("after_response.schedule", "schedule")),
            "after the route": right(("after_response", "after_route")),
            "by name": right(("(send_mail, email)", "(send_mail, to=email)")),
            "a lambda": right(("(send_mail, email)", "(lambda: send_mail(email))")),
            "all of it afterwards": right(
                (
                    'await store_order("membership")',
                    'tasks.after_response.schedule(store_order, "membership")',
                )
            ),
        },
        wrong={
            "awaited as well": wrong(
                "still waited", ("    return", "    await send_mail(email)\n    return")
            ),
            "called": wrong("TypeError", ("(send_mail, email)", "(send_mail(email))")),
            "the scheduling awaited": wrong(
                "TypeError", ("    tasks.after", "    await tasks.after")
            ),
            "other work": wrong("sent no mail", ("(send_mail, email)", "(store_order, email)")),
            "twice": wrong(
                "2 mails", ("    return", "    tasks.schedule(send_mail, email)\n    return")
            ),
            "past the library": wrong(
                "no task",
                (
                    "tasks.after_response.schedule(send_mail, email)",
                    "asyncio.create_task(send_mail(email))",
                ),
            ),
        },
    ),
    "01": Exercise(
        right={"in small letters": right(("Assam", "assam"))},
        wrong={
            "one wrong": wrong("finishes last", ("Ceylon", "Assam")),
            "two exchanged": wrong(
                "starts before", ("Assam", "x"), ("Darjeeling", "Assam"), ("x", "Darjeeling")
            ),
        },
    ),
    "02": Exercise(
        right={
            "in one row": right(
                (
                    "record.started <= first and last <= record.finished",
                    "record.started <= first <= last <= record.finished",
                )
            ),
            "the other way round": right(
                (
                    "record.started <= first and last <= record.finished",
                    "not (record.started > first or record.finished < last)",
                )
            ),
            "each stamp by itself": right(
                (
                    "record.started <= first and last <= record.finished",
                    "all(record.started <= at <= record.finished for at in (first, last))",
                )
            ),
        },
        wrong={
            "the begin alone": wrong("ends early", (" and last <= record.finished", "")),
            "the end alone": wrong("starts late", ("record.started <= first and ", "")),
            "never": wrong("'true'", ("return record", "return False and record")),
            "the duration": wrong(
                "all of it late",
                (
                    "record.started <= first and last <= record.finished",
                    "record.finished - record.started >= last - first",
                ),
            ),
            "about the same": wrong(
                "starts late",
                (
                    "record.started <= first and last <= record.finished",
                    "abs(record.started - first) + abs(record.finished - last) < 50_000_000",
                ),
            ),
            "outside": wrong("'true'", ("record.started <= first", "record.started >= first")),
        },
    ),
    "03": Exercise(
        right={
            "at once": right(("after_response.schedule", "schedule")),
            "after the route": right(("after_response", "after_route")),
            "with a name": right(("_response.schedule", '_response.task(name="bill").schedule')),
        },
        wrong={
            "scheduled, and then awaited": wrong(
                "still", ("    return", "    await send_invoice(email)\n    return")
            ),
            "called": wrong("TypeError", ("(send_invoice, email)", "(send_invoice(email))")),
            "the scheduling awaited": wrong(
                "TypeError", ("    tasks.after", "    await tasks.after")
            ),
            "nothing sent": wrong(
                "sent no invoice", ("(send_invoice, email)", "(asyncio.sleep, 0)")
            ),
            "twice": wrong(
                "2 tasks", ("    return", "    tasks.schedule(send_invoice, email)\n    return")
            ),
        },
    ),
    "04": Exercise(
        right={
            "to_thread": right(
                (
                    "def weigh() -> None:\n    read_scales()",
                    "async def weigh() -> None:\n    await asyncio.to_thread(read_scales)",
                )
            ),
            "at once": right(("after_response.schedule", "schedule")),
            "without weigh": right(("schedule(weigh)", "schedule(read_scales)")),
            "to_thread as the task": right(
                ("schedule(weigh)", "schedule(asyncio.to_thread, read_scales)")
            ),
        },
        wrong={
            "a pause before it": wrong(
                "held the loop",
                ("def weigh() -> None:", "async def weigh() -> None:\n    await asyncio.sleep(0)"),
            ),
            "never read": wrong("read 0 times", ("    read_scales()", "    pass")),
            "asleep instead": wrong(
                "read 0 times",
                (
                    "def weigh() -> None:\n    read_scales()",
                    "async def weigh() -> None:\n    await asyncio.sleep(0.3)",
                ),
            ),
            "in the endpoint": wrong(
                "first customer waits",
                (
                    "    tasks.after_response.schedule(weigh)",
                    "    await asyncio.to_thread(read_scales)",
                ),
            ),
        },
    ),
    "05": Exercise(
        right={
            "in another order of lines": right(
                ('    tasks.task(name="label").schedule(work, "label")\n', ""),
                ("    await", '    tasks.task(name="label").schedule(work, "label")\n    await'),
            ),
            "without names": right(
                (".task(name=", "."), ('"label").', ""), ('"audit").', ""), ('"mail").', "")
            ),
            "lambdas": right(('schedule(work, "mail")', 'schedule(lambda: work("mail"))')),
        },
        wrong={
            "audit afterwards": wrong("had gone out", ("after_route", "after_response")),
            "audit at once": wrong("before the endpoint succeeded", ("tasks.after_route", "tasks")),
            "mail too early": wrong("mail began before", ("after_response", "after_route")),
            "label awaited": wrong(
                "label was not at work",
                ('tasks.task(name="label").schedule(work, "label")', 'await work("label")'),
            ),
            "label late": wrong(
                "label was not at work",
                ('tasks.task(name="label")', 'tasks.after_route.task(name="label")'),
            ),
            "no mail": wrong(
                "mail never began", ('schedule(work, "mail")', 'schedule(work, "post")')
            ),
        },
    ),
    "06": Exercise(
        right={
            "by name": right(("(count, tea)", "(count, tea=tea)")),
            "after the look": right(
                ("    tasks.after_route.schedule(count, tea)\n", ""),
                ("    stamp", "    tasks.after_route.schedule(count, tea)\n    stamp"),
            ),
            "a lambda": right(("(count, tea)", "(lambda: count(tea))")),
            "at once, when the price is found": right(
                ("    tasks.after_route.schedule(count, tea)\n", ""),
                ("    return", "    price ="),
                ("[tea]", "[tea]\n    tasks.schedule(count, tea)\n    return price"),
            ),
        },
        wrong={
            "at once": wrong("Coffee was counted", ("tasks.after_route", "tasks")),
            "afterwards": wrong("after the answer left", ("after_route", "after_response")),
            "awaited": wrong(
                "Coffee was counted", ("tasks.after_route.schedule(count, tea)", "await count(tea)")
            ),
            "awaited, when the price is found": wrong(
                "no task",
                ("    tasks.after_route.schedule(count, tea)\n", ""),
                ("    return", "    price ="),
                ("[tea]", "[tea]\n    await count(tea)\n    return price"),
            ),
            "called": wrong("counted: []", ("(count, tea)", "(count(tea))")),
            "twice": wrong(
                "counted",
                ("(count, tea)", "(count, tea)\n    tasks.after_route.schedule(count, tea)"),
            ),
        },
    ),
    "07": Exercise(
        right={
            "a tuple": right(("iter(list(basket))", "iter(tuple(basket))")),
            "a copy": right(("iter(list(basket))", "iter(basket.copy())")),
            "one text": right(("iter(list(basket))", 'iter(["".join(basket)])')),
            "a method of the list": right(("schedule(empty_basket)", "schedule(basket.clear)")),
            "with a name": right(("route.schedule", 'route.task(name="tidy").schedule')),
        },
        wrong={
            "afterwards": wrong("to stay", ("after_route", "after_response")),
            "a generator": wrong(
                "the client got", ("iter(list(basket))", "(tea for tea in basket)")
            ),
            "awaited": wrong(
                "to stay",
                (
                    "    tasks.after_route.schedule(empty_basket)\n    return ",
                    "    answer = ",
                ),
                ("(list(basket)))", "(list(basket)))\n    await empty_basket()\n    return answer"),
            ),
            "never emptied": wrong(
                "still holds", ("    tasks.after_route.schedule(empty_basket)\n", "")
            ),
            "another list emptied": wrong(
                "still holds", ("schedule(empty_basket)", "schedule(list(basket).clear)")
            ),
        },
    ),
    "08": Exercise(
        right={
            "with a name": right(("tasks.schedule", 'tasks.task(name="attempt").schedule')),
            "a lambda": right(
                ("(audit, **entry, at=datetime.now(UTC))", "(lambda: audit(**entry, at=now))"),
                ("    tasks.", "    now = datetime.now(UTC)\n    tasks."),
            ),
        },
        wrong={
            "afterwards": wrong(
                "was discarded", ("tasks.schedule", "tasks.after_response.schedule")
            ),
            "awaited": wrong("no task", ("tasks.schedule(audit, ", "await audit(")),
            "twice": wrong(
                "the trail says",
                (
                    "    raise",
                    "    tasks.schedule(audit, **entry, at=datetime.now(UTC))\n    raise",
                ),
            ),
            "without a zone": wrong("its zone", ("datetime.now(UTC)", "datetime.now()")),
            "no failure": wrong(
                "Bob got 200", ('raise HTTPException(404, "no such tea")', 'return "removed"')
            ),
        },
    ),
    "09": Exercise(
        right={
            "a lambda": right(
                ("schedule(draw_and_print, tea)", "schedule(lambda: print_it(draw_label(tea)))")
            ),
            "to_thread": right(
                (
                    "def draw_and_print(tea: str) -> None:\n    print_it(draw_label(tea))",
                    "async def draw_and_print(tea: str) -> None:\n"
                    "    label = await asyncio.to_thread(draw_label, tea)\n"
                    "    await asyncio.to_thread(print_it, label)",
                )
            ),
            "the drawing schedules the printing": right(
                ("(tea: str) -> None", "(tea: str, tasks) -> None"),
                ("    print_it(draw_label(tea))", "    tasks.schedule(print_it, draw_label(tea))"),
                ("(draw_and_print, tea)", "(draw_and_print, tea, tasks)"),
            ),
            "an async endpoint": right(("def label(tea", "async def label(tea")),
        },
        wrong={
            "on the loop": wrong(
                "holds the loop", ("def draw_and_print", "async def draw_and_print")
            ),
            "nothing drawn": wrong(
                "longest task", ("(draw_and_print, tea)", '(print_it, f"label of {tea}")')
            ),
            "a lambda handed over": wrong(
                "printed were", ("(draw_and_print, tea)", "(print_it, lambda: draw_label(tea))")
            ),
            "a partial of its result": wrong(
                "the endpoint takes",
                ("    tasks.", "    from functools import partial\n\n    tasks."),
                ("(draw_and_print, tea)", "(partial(print_it, draw_label(tea)))"),
            ),
            "two tasks": wrong(
                "printed were",
                (
                    "(draw_and_print, tea)",
                    "(draw_label, tea)\n    tasks.after_response.schedule(print_it, tea)",
                ),
            ),
        },
    ),
}
