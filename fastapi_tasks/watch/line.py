"""The source line that held the event loop, found by looking at its thread from another."""

from __future__ import annotations

import math
import threading
import time

from ..held import Told
from ..keeper import Keeper
from ..log import log
from ..loops import Loop
from ..steps import Beat
from ..timeline import MACHINE
from .crew import Crew
from .hook import tried
from .looks import Looks, Moment
from .share import Kept, Share
from .stacks import Stacks, runner_code, stack_of

MS = 1_000_000


def begin_watch(keeper: Keeper, loop: Loop) -> Beat:
    """Watch the loop that runs here, once, however many ask; each of them ends it."""
    thread = threading.get_ident()
    if thread not in keeper.loops.watches:
        keeper.loops.watches[thread] = watch = LineWatch(keeper, loop)
        watch.start()
    keeper.loops.watches[thread].users += 1
    return keeper.loops.watches[thread].beat


def end_watch(keeper: Keeper) -> None:
    """Watch the loop that runs here no more, if nobody else has asked for it."""
    watch = keeper.loops.watches[threading.get_ident()]
    watch.users -= 1
    if not watch.users:
        del keeper.loops.watches[threading.get_ident()]
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
        self._share = Share(self._limit, keeper.clock)
        self._crew = Crew()
        # By a clock of one's own, as of a test, nobody knows what the machine did.
        self._kept_from_work = Told(machine=keeper.clock is time.perf_counter_ns)
        self._over = False
        self._asked = self._answered = 0
        self._waiting = False
        self._looks: Looks | None = None

    def start(self) -> None:
        """Watch from now on, unless nothing is ever over the limit."""
        if self._limit == math.inf:
            return
        thread = threading.Thread(target=self._watch, name="fastapi_tasks line", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.warning("no lines are told, as no thread could be started: %s", error)

    def stop(self) -> None:
        """Watch no more."""
        self._over = True
        self.beat.on_begin = None

    def told_of(self, begun: int) -> Told:
        """Tell what held the loop in the step that began then and has just ended."""
        return tried(self._judged_step, begun) or Told()

    def _judged_step(self, begun: int) -> Told:
        looks = self._looks
        if looks is not None and looks.moment[0] == begun:
            return self._judged(looks)
        # It came to no look, or this was late itself.
        kept = self._share.kept(begun, self._share.around(begun))
        return self._kept_from_work if kept is Kept.MACHINE else Told()

    def _judged(self, looks: Looks) -> Told:
        """Tell what held the loop."""
        kept = self._share.kept(looks.since, looks.around)
        if kept is Kept.NOTHING:
            return Told(looks.line)
        other = looks.other if kept is Kept.LOCK else None
        return self._kept_from_work if other is None else Told(other.line, other.root)

    # On its own thread --------------------------------------------------------------------------

    def _watch(self) -> None:
        try:
            while not self._over:
                # Not the wait for an event, which takes longer to come back: by then a call that
                # kept the interpreter lock may be over, and its step too.
                self._share.rest(self._pause)
                self._tick()
        except OSError:
            # The thread that was watched has ended without a word.
            self._over = True
        except Exception:
            log.exception("the lines that hold the loop are told no longer")

    def _tick(self) -> None:
        self._see()
        self._share.look(self._see)
        if self._looks is not None:
            self._looks.settle()
        self._listen()

    def _see(self) -> None:
        """Look at the loop if it may be held."""
        moment, now = self._present(), self._keeper.clock()
        begun, ended, answered = moment
        free = max(ended, answered) if begun is None else begun
        if now - free > self._limit and (begun is not None or self._keeper.open):
            self._look(moment, now)

    def _present(self) -> Moment:
        return self.beat.begun, self.beat.ended, self._answered

    def _look(self, moment: Moment, now: int) -> None:
        """Take note of what the loop is at, if something holds it.

        All of it before anything gives the interpreter lock away: of C code that kept the lock one
        look is all there is, and the loop would be free again before it was noted.
        """
        stack = stack_of(self._thread)
        if stack is None or self._present() != moment:
            return
        since = self._since(moment, now) if moment[0] is None else moment[0]
        if now - since <= self._limit:
            return
        looks = self._looks
        if looks is None or looks.moment != moment:
            looks = self._looks = Looks(moment, since, self._share.around(since), self._stacks.read)
        idle = self._share.worked_since(looks.around[0]) < self._limit
        looks.add(stack, self._crew.at_work() if idle else [], now)
        if moment[0] is None:
            self.beat.on_begin = self._free_again

    def _since(self, moment: Moment, now: int) -> int:
        """Tell since when something else than a step may have held the loop."""
        _, ended, answered = moment
        if self._waiting:
            # It follows a step at once, or comes at any time between two questions.
            return ended if ended > answered else (answered + self._asked) // 2
        # Nobody asked, since the lock was not to be had. Was it the loop's thread that had it?
        before, _ = self._share.around(max(ended, answered))
        own = self._share.worked_since(before)
        if own < self._limit:
            return now
        late = self._share.late_since(before)
        return ended if ended > answered else max(answered, now - max(own, late))

    def _listen(self) -> None:
        """Ask the loop for an answer, if it has been silent for a while between two steps."""
        if self.beat.begun is not None or not self._keeper.open or self._waiting:
            return
        now = self._keeper.clock()
        if now - max(self.beat.ended, self._answered) > self._pause // 2:
            self._waiting, self._asked = True, now
            try:
                self._loop.call_soon(self._answer)
            except RuntimeError:
                # The loop has ended.
                self._over = True

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
        if now - looks.since <= self._limit:
            return
        told: Told | None = tried(self._judged, looks)
        root = looks.root
        if told is None:
            return
        if told.machine:
            self._keeper.loops.by_other(MACHINE, looks.since, now, None, self._thread)
        elif told.thread is not None:
            self._keeper.loops.by_thread(told, looks.since, now, self._thread)
        elif root is not None:
            self._keeper.loops.by_other(root, looks.since, now, told.line, self._thread)
