"""A real PostgreSQL on a socket in a folder of its own, for the tests of one module."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OPTIONS = "-c listen_addresses='' -c fsync=off -k "


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server for as long as the block; yield its folder. Skip the test if there is none."""
    programs = _programs()
    # It refuses to run as root; its package makes a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    # Not pytest's folder: nobody else may enter that, and a socket's path must be short.
    folder = tempfile.mkdtemp(prefix="pg-")

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, "-D", f"{folder}/data", *arguments],
            user=user, cwd=folder, check=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    try:
        if user is not None:
            shutil.chown(folder, user)
        run("initdb", "--auth=trust", "--username=shop", "--no-sync")
        run("pg_ctl", "start", "--wait", "-l", f"{folder}/log", "-o", f"{OPTIONS}{folder}")
        try:
            yield folder
        finally:
            run("pg_ctl", "stop", "--wait", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    return folders[-1]
