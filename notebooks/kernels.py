"""Kernels forked from one process, which has imported once what every notebook imports."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

CAN_FORK = sys.platform == "linux"
"""Elsewhere a fork is missing, or is not safe once such libraries are loaded."""

IMPORTED = (
    "ipykernel.kernelapp", "fastapi", "uvicorn.protocols.http.h11_impl", "httpx", "httpcore",
    "matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin",
)  # fmt: skip
"""Other people's packages alone: a kernel may import this project from a changed copy of it."""

HERE = Path(__file__).parent
_one_at_a_time = threading.Lock()


class ForkedProvisioner(LocalProvisioner):
    """Start a kernel in two tenths of a second, with its imports done, instead of in two."""

    async def launch_kernel(self, cmd: list[str], **given: Any) -> Any:
        """Fork it, and return how to reach it; `cmd` would start one in a new process."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        process: Any = ForkedKernel(arguments, given["env"], str(given["cwd"]))
        self.process = process
        self.pid = self.pgid = process.pid
        return self.connection_info


class ForkedKernel:
    """What a provisioner asks of a process: the part of Popen that it uses."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], env: dict[str, str], folder: str) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(IMPORTED))
        self._process = context.Process(target=be_a_kernel, args=(arguments, env, folder))
        with _one_at_a_time:  # each start looks after the processes of all threads
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        with _one_at_a_time:
            return self._process.exitcode

    def wait(self) -> int | None:
        """Return its exit code; it has ended already."""
        self._process.join()
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send it to the kernel alone, not to what that has started."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def be_a_kernel(arguments: list[str], env: dict[str, str], folder: str) -> None:
    """Become the kernel that `python -m ipykernel_launcher` with these arguments would be."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ |= env
    first = [place for place in env.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:] = [*first, *(place for place in sys.path if Path(place) != HERE.parent)]
    # It ends when its parent does; for want of one it would print how to end it by hand.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    IPKernelApp.launch_instance(argv=[*arguments, parent])
