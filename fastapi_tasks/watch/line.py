"""The source line that held the event loop, found by looking at its thread from another."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter

from ..keeper import Keeper
from ..loops import Loop
from ..steps import Beat
from .share import Share, Usage
from .stacks import Sight, Stacks, runner_code

logger = logging.getLogger("fastapi_tasks")

MS = 1_000_000


# Which step is under way, when the last one ended, when the loop last answered.
Moment = tuple[int | None, int, int]


class Looks:
    """What the looks at one hold have shown, and for how many nanoseconds each.

    A look stands for all the time since the one before: while C code keeps the interpreter lock,
    none is possible.
    """

    def __init__(self, moment: Moment, since: int, before: Usage) -> None:
        self.moment = moment
        self.since = self._last = since
        self.before = before
        self.stood = 0
        self._spot: tuple[tuple[int, int], int] | None = None
        self._lines: Counter[str | None] = Counter()
        self._roots: Counter[str | None] = Counter()

    def add(self, sight: Sight, now: int) -> None:
        """Count what a look has shown now."""
        time, self._last = now - self._last, now
        self._lines[sight.line] += time
        self._roots[sight.root] += time
        if self._spot is None or self._spot[0] != sight.spot:
            self._spot = (sight.spot, now)
        self.stood = max(self.stood, now - self._spot[1])

    @property
    def line(self) -> str | None:
        """The line that took most of the time."""
        return self._lines.most_common(1)[0][0]

    @property
    def root(self) -> str:
        """The name of what the loop had called."""
        return self._roots.most_common(1)[0][0] or "the event loop"


def begin_watch(keeper: Keeper, loop: Loop) -> Beat:
    """Watch the loop that runs here, once, however many ask; each of them ends it."""
    thread = threading.get_ident()
    if thread not in keeper.watches:
        keeper.watches[thread] = watch = LineWatch(keeper, loop)
        watch.start()
    keeper.watches[thread].users += 1
    return keeper.watches[thread].beat


def end_watch(keeper: Keeper) -> None:
    """Watch the loop that runs here no more, if nobody else has asked for it."""
    watch = keeper.watches[threading.get_ident()]
    watch.users -= 1
    if not watch.users:
        del keeper.watches[threading.get_ident()]
        watch.stop()


class LineWatch:
    """Watches one loop from a daemon thread, which sleeps most of the time.

    It looks at the loop's stack only while a step is over the keeper's limit. Between steps it asks
    the loop to answer, as long as requests are open: what keeps it from that is code that is
    neither a request's nor a task's. Made, started and stopped on the loop's own thread.
    """

    def __init__(self, keeper: Keeper, loop: Loop) -> None:
        self.beat = Beat()
        self.users = 0
        self._keeper = keeper
        self._loop = loop
        self._thread = threading.get_ident()
        self._limit = keeper.busy_limit
        self._pause = round(min(max(self._limit / 4, 5 * MS), 10 * MS))
        self._stacks = Stacks(runner_code(), frozenset(keeper.own_packages()))
        self._share = Share(self._thread, self._limit)
        self._over = threading.Event()
        self._asked = self._answered = 0
        self._waiting = False
        self._moment: Moment = (None, 0, 0)
        self._before = self._latest = self._share.usage()
        self._looks: Looks | None = None

    def start(self) -> None:
        """Watch from now on."""
        thread = threading.Thread(target=self._watch, name="fastapi_tasks line", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("no lines are told, as no thread could be started: %s", error)

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        self.beat.on_begin = None

    def line_for(self, begun: int) -> str | None:
        """Return the line that held the loop in the step that began then and has just ended.

        None where no line is known, or where other threads were at work instead.
        """
        looks = self._looks
        if looks is None or looks.moment[0] != begun or self._is_innocent(looks):
            return None
        return looks.line

    def _is_innocent(self, looks: Looks) -> bool:
        return self._share.is_starved(looks.before, looks.stood)

    # On its own thread --------------------------------------------------------------------------

    def _watch(self) -> None:
        try:
            while not self._share.rest(self._over, self._pause):
                self._tick()
        except Exception:
            logger.exception("the lines that hold the loop are told no longer")

    def _tick(self) -> None:
        now, beat = self._keeper.clock(), self.beat
        moment = (beat.begun, beat.ended, self._answered)
        if moment != self._moment:
            self._moment = moment
            self._before = self._latest
        self._latest = self._share.usage()
        begun = moment[0]
        if begun is not None:
            if now - begun > self._limit:
                self._look(moment, begun, now)
        elif self._keeper.open:
            self._listen(moment, now)

    def _listen(self, moment: Moment, now: int) -> None:
        """Look at what runs between steps, if the loop does not answer; ask it to."""
        since = self._since(moment, now)
        if now - since > self._limit:
            self._look(moment, since, now)
        if not self._waiting and now - max(moment[1:]) > self._pause // 2:
            self._waiting, self._asked = True, now
            try:
                self._loop.call_soon(self._answer)
            except RuntimeError:
                self._over.set()

    def _since(self, moment: Moment, now: int) -> int:
        """Tell since when the loop may have been held: by all that is known, it was free before."""
        _, ended, answered = moment
        if self._waiting:
            # Code between steps follows a step at once, or comes at any time between two questions.
            return ended if ended > answered else (answered + self._asked) // 2
        # Nobody asked, since the lock was not to be had. Was it the loop's thread that had it?
        worked = self._share.worked(self._before, self._latest)
        if worked < self._limit:
            return now
        late = self._latest.late - self._before.late
        return ended if ended > answered else max(answered, now - max(worked, late))

    def _look(self, moment: Moment, since: int, now: int) -> None:
        frame = sys._current_frames().get(self._thread)
        if frame is None:
            return
        sight = self._stacks.read(frame)
        del frame
        beat = self.beat
        if (beat.begun, beat.ended, self._answered) != moment:
            return
        if moment[0] is None and sight.root is None:
            return
        if self._looks is None or self._looks.moment != moment:
            self._looks = Looks(moment, since, self._before)
        self._looks.add(sight, now)
        if moment[0] is None:
            beat.on_begin = self._free_again

    # On the loop's ------------------------------------------------------------------------------

    def _answer(self) -> None:
        now = self._keeper.clock()
        if self.beat.on_begin is not None:
            self._free_again(now)
        self._answered = now
        self._waiting = False

    def _free_again(self, now: int) -> None:
        """Record what has held the loop until now, when a step begins or the loop answers."""
        self.beat.on_begin = None
        looks = self._looks
        if looks is None or looks.moment != (None, self.beat.ended, self._answered):
            return
        if now - looks.since > self._limit and not self._is_innocent(looks):
            self._keeper.held_by_other(looks.root, looks.since, now, looks.line, self._thread)
