"""All rules, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from visualize.layout import Recording, listed

from .answer_kept import answer_kept
from .closed_later import closed_later
from .ended_badly import ended_badly
from .evidence import Evidence
from .finding import RULES, Finding
from .loop_held import loop_held
from .never_awaited import never_awaited
from .no_slot_free import no_slot_free
from .no_thread_free import no_thread_free
from .one_after_another import one_after_another
from .piling_up import piling_up
from .pricing import Suspicion, priced
from .step_before_answer import step_before_answer
from .too_long_for_shutdown import too_long_for_shutdown

IN_TURN: tuple[Callable[[Evidence], Iterator[Suspicion]], ...] = (
    step_before_answer,
    one_after_another,
    no_thread_free,
    no_slot_free,
    never_awaited,
    loop_held,
    answer_kept,
    closed_later,
    ended_badly,
    too_long_for_shutdown,
    piling_up,
)
"""The rules, in the order in which they claim time: what says more precisely why comes first."""


def explain(
    timelines: Recording, *, grace_period: float = 5.0, shutdown_timeout: float = 25.0
) -> list[Finding]:
    """Say in words what was late and why: findings, those that cost most first.

    `grace_period` and `shutdown_timeout` are seconds, as given to add_tasks: what a shutdown allows
    tasks. No nanosecond of a request or of a task is counted for two findings. Raises TypeError
    for anything but timelines.
    """
    grace, shutdown = (round(limit * 1e9) for limit in (grace_period, shutdown_timeout))
    evidence = Evidence(listed(timelines), grace, shutdown)
    found = priced((one for rule in IN_TURN for one in rule(evidence)), evidence)
    return sorted(found, key=lambda finding: (-finding.cost, RULES.index(finding.rule)))
