"""Ways to make a claim of the tutorial false: each a small change of the library, or of a notebook.

What a notebook says of a claim is worth something only if it fails once the claim is not true.
"""

from __future__ import annotations

from dataclasses import dataclass

PLACED = "        phase = PHASE[record.mode]\n"
LAST = "        gone = self._gone\n        await self._send(message)\n"
SENT = "        return self._send(message)\n\n"
PASSING = """        for job in self._waiting.pop(phase, ()):
            release(job)
"""
SPAWNED = "return asyncio.Task(run(job), "
ENDED = """    job.end("error", error)
    record = job.record
"""


@dataclass(frozen=True)
class Mutation:
    """A file's part that is replaced, so that what `name` says becomes true.

    `file` is below `fastapi_tasks`; without one, it is the notebook's own code that changes.
    `claims` are the pairs of a claim and the notebook that has to notice.
    """

    name: str
    claims: tuple[tuple[int, str], ...]
    file: str
    old: str
    new: str
    more: str = ""


def waiting_for(tasks: str) -> str:
    """Code that does not go on before these tasks of the request have ended."""
    return (
        "        import asyncio\n"
        f"        while any(t.outcome is None {tasks} for t in self.timeline.tasks):\n"
        "            await asyncio.sleep(0.002)\n"
    )


def delayed(seconds: str) -> str:
    """Code that waits for so long, in a request that has tasks."""
    return (
        "        import asyncio\n"
        f"        await asyncio.sleep({seconds} * bool(self.timeline.tasks))\n"
    )


MUTATIONS = (
    Mutation(
        "a response with tasks is 60 ms late",
        ((1, "03"),),
        "request.py",
        LAST,
        delayed("0.06") + LAST,
    ),
    Mutation(
        "a response with tasks is half a second late",
        ((26, "21"),),
        "request.py",
        LAST,
        delayed("0.5") + LAST,
    ),
    Mutation(
        "the response waits for immediate tasks",
        ((2, "03"), (1, "03")),
        "request.py",
        LAST,
        waiting_for('and t.mode == "immediate"') + LAST,
    ),
    Mutation(
        "the response waits for after_route tasks",
        ((24, "19"), (7, "06")),
        "request.py",
        SENT,
        "        return self._send_late(message)\n\n"
        "    async def _send_late(self, message: Message) -> None:\n"
        + waiting_for('and t.mode == "after_route"')
        + "        await self._send(message)\n\n",
    ),
    Mutation(
        "tasks run one after another",
        ((3, "03"), (11, "10"), (16, "14")),
        "loops/on_asyncio.py",
        SPAWNED,
        "return asyncio.Task(_alone(run, job), ",
        "\n\n_ONE = asyncio.Lock()\n\n\n"
        "async def _alone(run, job):\n    async with _ONE:\n        await run(job)\n",
    ),
    Mutation(
        "immediate tasks are released when the endpoint has returned",
        ((4, "05"), (18, "15"), (22, "17"), (25, "20")),
        "phases.py",
        PLACED,
        "        phase = max(PHASE[record.mode], AFTER_ROUTE)\n",
    ),
    Mutation(
        "after_route tasks are released when the response was sent",
        ((5, "05"), (7, "06"), (8, "07"), (9, "08"), (17, "15"), (22, "17"), (23, "18")),
        "phases.py",
        PLACED,
        '        phase = AFTER_RESPONSE if record.mode == "after_route" else PHASE[record.mode]\n'
        "        record.released = self.request.timeline.endpoint_end if phase else None\n",
    ),
    Mutation(
        "after_response tasks are released when the endpoint has returned",
        ((6, "05"), (12, "12"), (17, "15"), (22, "17"), (23, "18")),
        "phases.py",
        PLACED,
        "        phase = min(PHASE[record.mode], AFTER_ROUTE)\n",
    ),
    Mutation(
        "after_response tasks are released 60 ms late",
        ((13, "13"), (23, "18")),
        "phases.py",
        PASSING,
        """        import asyncio
        for job in self._waiting.pop(phase, ()):
            if phase == AFTER_RESPONSE:
                asyncio.get_running_loop().call_later(0.06, release, job)
            else:
                release(job)
""",
    ),
    Mutation(
        "after_response tasks are ended before the client has its answer",
        ((15, "14"), (14, "12")),
        "request.py",
        LAST,
        "        if self.waiting is not None:\n"
        "            self.waiting.response_passes()\n"
        + waiting_for('and t.mode == "after_response"')
        + LAST,
    ),
    Mutation(
        "tasks are released in the reverse order",
        ((11, "10"), (16, "14"), (17, "15")),
        "phases.py",
        "for job in self._waiting.pop(phase, ()):\n",
        "for job in reversed(self._waiting.pop(phase, ())):\n",
    ),
    Mutation(
        "a call of schedule() takes 50 µs more",
        ((10, "09"),),
        "job.py",
        "        self.call: Call | None = None\n        if is_co",
        "        self.call: Call | None = None\n"
        "        import time\n"
        "        begun = time.perf_counter()\n"
        "        while time.perf_counter() - begun < 50e-6:\n"
        "            pass\n"
        "        if is_co",
    ),
    Mutation(
        "a failed task ends all others",
        ((14, "12"), (27, "24")),
        "failing.py",
        ENDED,
        ENDED + "    for other in list(job.place.live):\n"
        "        if other is not job:\n"
        "            other.cancel()\n",
    ),
    Mutation(
        "what is discarded runs all the same",
        ((9, "08"), (27, "24")),
        "phases.py",
        "            job.discard()\n",
        "            release(job)\n",
    ),
    Mutation(
        "task() makes immediate tasks",
        ((19, "16"),),
        "scheduler.py",
        "return TasksBatch(self._phases, self._mode, self._config.merge(own))",
        'return TasksBatch(self._phases, "immediate", self._config.merge(own))',
    ),
    Mutation(
        "settings stay with the scheduler",
        ((20, "16"),),
        "scheduler.py",
        "return TasksBatch(self._phases, self._mode, self._config.merge(own))",
        "self._config = self._config.merge(own)\n        return self",
    ),
    Mutation(
        "a shield protects from nothing",
        ((21, "16"), (21, "25"), (27, "25")),
        "drain.py",
        "if not job.config.shielded]",
        "]",
    ),
    Mutation(
        "a thread computes in the place of a process",
        ((25, "20"),),
        "",
        'ProcessPoolExecutor(1, mp_context=get_context("spawn"))',
        '__import__("concurrent.futures").futures.ThreadPoolExecutor(1)',
    ),
    Mutation(
        "the app's settings win over a task's own",
        ((27, "22"),),
        "task.py",
        "return replace(self, **settings)",
        "return replace(other, **{n: v for n in _SETTINGS if (v := getattr(self, n)) is not None})",
    ),
    Mutation(
        "def tasks run on the loop",
        ((27, "23"),),
        "job.py",
        "            return await self.place.threads.run(call)\n",
        "            call.take()\n            call.run()\n            return call.outcome()\n",
    ),
)
