"""redis-py's commands and pipelines as spans: the command's word, and nothing of what it says."""

from __future__ import annotations

import re
import sys
from typing import Any

from .here import Open, begin, leaf
from .hook import around, replace

_WORD = re.compile(r"[A-Za-z][A-Za-z._-]{0,29}")


def install() -> None:
    """Record commands from now on, also of clients that exist; nothing without the library."""
    for name in ("redis", "redis.asyncio"):
        client: Any = sys.modules.get(f"{name}.client")
        cluster: Any = sys.modules.get(f"{name}.cluster")
        if client is None or cluster is None:
            continue
        for connected in (client.Redis, cluster.RedisCluster):
            replace(connected, "execute_command", lambda own: around(own, _command))
        for pipeline in (client.Pipeline, cluster.ClusterPipeline):
            replace(pipeline, "execute", lambda own: around(own, _pipeline))
        # While a pipeline watches keys, its commands are sent at once.
        replace(client.Pipeline, "immediate_execute_command", lambda own: around(own, _command))


def _command(client: Any, *args: Any, **options: Any) -> Open | None:  # noqa: ARG001
    return leaf(command_word(args[0]), "redis")


def _pipeline(pipeline: Any, *args: Any, **options: Any) -> Open | None:  # noqa: ARG001
    commands = len(pipeline)
    return begin("PIPELINE", "redis", {"commands": str(commands)}) if commands else None


def command_word(command: object) -> str:
    """Return the first word of a command, which may be followed by values; `redis` for none."""
    if isinstance(command, bytes):
        command = command.decode("ascii", "replace")
    words = command.split(None, 1) if isinstance(command, str) else []
    return words[0].upper() if words and _WORD.fullmatch(words[0]) else "redis"
