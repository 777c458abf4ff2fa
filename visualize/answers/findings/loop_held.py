"""The loop was held: by whom, how long, and whose response and whose start it delayed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, pairwise

from fastapi_tasks.timeline import MACHINE, Timeline
from visualize.answers.loop import Hold
from visualize.answers.naming import route_of
from visualize.words import count, duration

from .evidence import MOST, Evidence, Loop, place_of
from .finding import Cause, Place
from .pricing import Bill, Claim, Suspicion

LONG = 100_000_000
"""Nanoseconds that are worth a sentence, also if nobody waited this time: one step's, or those of
all steps of a cause if they are its habit."""

HABIT = 0.1
"""The share of a cause's runs that held the loop, from which on it may be one. Shorter steps that
come less often may be a process that its busy machine put aside for a moment."""

OFTENER, MOSTLY = 3, 0.5
"""And so many times the share that all others have, which the machine puts aside as well; or most
of its runs: others may have the same habit."""

UNSEEN, OFTEN = 200_000_000, 0.3
"""Nanoseconds from which on one step is worth a sentence where no line is known: nobody watched, or
saw it at work. A shorter one may be the machine's, unless this share of the runs has one."""

AT_ONCE = 5_000_000
"""Nanoseconds. Who goes on this soon after a step ended had waited for the loop; more after a long
step, behind which many wait: half of its length."""

OF_A_STEP = "await what it waits for, or write `def`, which runs in a thread"
OF_THE_FRAMEWORK = {
    "validation": "take less in one request, or take the `Request` and parse its body in a thread",
    "reading the body": "take less in one request, or stream it to a file in a thread",
    "serialization": "answer with less, or write `def`, whose answer is validated in a thread",
    "sending": "answer with less, or stream it in smaller parts",
    "the OpenAPI schema": "call `app.openapi()` at the start, which keeps it",
}
"""What to try where the framework's own work held it, which is named in place of a line."""
OF_A_THREAD = "it keeps the interpreter lock, so a thread is no help: let another process do it"

_OF = re.compile(r"(?:(.*) of )?(\S+ /.*) #[0-9]+", re.DOTALL)


def loop_held(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect each kind of task and each route that held the loop for long."""
    claims = _claims(evidence)
    causes: dict[tuple[str, str, str], list[Hold]] = {}
    for loop in evidence.loops.values():
        for hold in loop.holds:
            if hold.culprit != MACHINE and not (hold.task and hold.task.thread):
                # What runs in a thread of its own cannot have held it.
                causes.setdefault(_culprit(hold), []).append(hold)
    runs = {cause: _runs(cause, evidence) for cause in causes}
    for cause, held in causes.items():
        longest = max(held, key=lambda hold: hold.lasted)
        others = sum(map(len, causes.values())) - len(held), _all_runs(evidence) - runs[cause]
        seen = any(hold.line is not None for hold in held)
        habit = _is_habit(len(held), runs[cause], *others, seen=seen)
        often = len(held) >= OFTEN * runs[cause]
        long = longest.lasted >= (LONG if seen or often else UNSEEN)
        if long or (habit and sum(hold.lasted for hold in held) >= LONG):
            yield _suspicion(held, longest, [c for hold in held for c in claims.get(id(hold), ())])


def _suspicion(held: list[Hold], longest: Hold, claims: list[Claim]) -> Suspicion:
    kind, name, mode = _culprit(longest)
    lines: Counter[str] = Counter()
    for hold in held:
        if hold.line is not None:
            lines[hold.line] += hold.lasted
    line = lines.most_common(1)[0][0] if lines else None
    cause = Cause("request" if kind == "request" else "task", name, mode, line)

    def say(bill: Bill) -> tuple[str, str]:
        total = sum(hold.lasted for hold in held)
        times = f"{count(len(held), 'time')} for" if held[1:] else "for"
        once = f", up to {duration(longest.lasted)} at once" if held[1:] else ""
        fact = f"{cause} held the event loop {times} {duration(total)}{once}: {bill}"
        if longest.thread:
            return fact, OF_A_THREAD
        return fact, OF_THE_FRAMEWORK.get(line or "", OF_A_STEP)

    return Suspicion("loop_held", cause, _where(longest, claims), say, claims)


def _is_habit(held: int, of: int, others_held: int, others: int, *, seen: bool) -> bool:
    """Tell whether so many holds, in so many runs, are a habit; beside those of all others."""
    if held >= MOSTLY * of:
        return True
    return seen and held >= HABIT * of and held * others >= OFTENER * of * others_held


def _all_runs(evidence: Evidence) -> int:
    return sum(evidence.requests.values()) + sum(map(len, evidence.kinds.values()))


def _runs(cause: tuple[str, str, str], evidence: Evidence) -> int:
    """How many requests or tasks there are of this kind."""
    kind, name, mode = cause
    return (
        evidence.requests[name] if kind == "request" else len(evidence.kinds.get((name, mode), ()))
    )


def _where(hold: Hold, claims: list[Claim]) -> Place:
    if hold.timeline is not None:
        return place_of(hold.timeline, hold.task)
    return place_of(claims[0].timeline, claims[0].task) if claims else Place(hold.process, 0)


def _culprit(hold: Hold) -> tuple[str, str, str]:
    """Name the cause: its kind, its name and its mode."""
    if hold.task is not None:
        return "task", hold.task.name, hold.task.mode
    if hold.timeline is not None and hold.culprit == hold.timeline.title:
        return "request", route_of(hold.timeline), ""
    # The recording has only those that waited for it.
    found = _OF.fullmatch(hold.culprit)
    if found is None or found[1] is not None:
        return "task", found[1] if found else hold.culprit, ""
    return "request", found[2], ""


# Who waited -----------------------------------------------------------------------------------


def _claims(evidence: Evidence) -> dict[int, list[Claim]]:
    """What each hold, by its identity, may have cost whom."""
    found: dict[int, list[Claim]] = {}
    for timeline in evidence.timelines:
        loop = evidence.loops.get(timeline.process)
        if loop is None:
            continue
        late = chain(_of_tasks(timeline, loop, evidence), _of_response(timeline, loop, evidence))
        for hold, claim in late:
            found.setdefault(id(hold), []).append(claim)
    return found


def _of_tasks(timeline: Timeline, loop: Loop, evidence: Evidence) -> Iterator[tuple[Hold, Claim]]:
    """A task that is released needs nothing but the loop: each hold until its start delayed it."""
    for task in timeline.tasks:
        if task.released is None or (task.started is None and task.outcome is not None):
            continue
        begun = evidence.end_of(timeline, task.started)
        if not loop.held(task.released, begun):
            continue
        for hold, start, end in loop.over(task.released, begun):
            if hold.task is not task:
                yield hold, Claim("wait", timeline, task, start, end)


def _of_response(
    timeline: Timeline, loop: Loop, evidence: Evidence
) -> Iterator[tuple[Hold, Claim]]:
    """A request may await something else meanwhile: it waited if it went on at once afterwards."""
    sent = timeline.response_sent
    if timeline.kind != "http" or sent is None or not loop.held(timeline.request_start, sent):
        return
    claims: list[tuple[Hold, int, int]] = []
    for before, moment in pairwise(_moments(timeline, loop, sent)):
        claims += _just_before(moment, before, timeline, loop)
    lost = sum(end - start for _, start, end in claims)
    usual = evidence.usual.get(route_of(timeline))
    if usual is not None and lost:
        # Part of it may be time in which it would have waited for something else anyway.
        excess = min(max(sent - timeline.request_start - usual, 0), lost)
        claims = [(h, end - (end - start) * excess // lost, end) for h, start, end in claims]
    for hold, start, end in claims:
        yield hold, Claim("response", timeline, None, start, end)


def _moments(timeline: Timeline, loop: Loop, sent: int) -> list[int]:
    """When the request is known to have had the loop, in order, until its response was sent."""
    known = {timeline.endpoint_start, timeline.endpoint_end, timeline.response_start}
    known |= {task.requested for task in timeline.tasks if task.parent is None}
    for span in timeline.spans:
        if span.task is None:
            known |= {span.start, span.end}
    known |= {hold.start for hold in loop.own(timeline)}
    within = {at for at in known if at is not None and timeline.request_start < at < sent}
    return [timeline.request_start, *sorted(within), sent]


def _just_before(
    moment: int, since: int, timeline: Timeline, loop: Loop
) -> Iterator[tuple[Hold, int, int]]:
    """Yield the holds after which the request went on at this moment, back to `since`."""
    until = moment
    last = loop.before(moment)
    for at in range(last, max(last - MOST, -1), -1):
        hold = loop.holds[at]
        if hold.end <= since or until - hold.end > max(AT_ONCE, hold.lasted // 2):
            return
        if _own(hold, timeline):
            return
        yield hold, max(hold.start, since), hold.end
        until = hold.start


def _own(hold: Hold, timeline: Timeline) -> bool:
    return hold.timeline is timeline and hold.task is None
