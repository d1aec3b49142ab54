"""Runs Python in a process whose torch has several threads, and ends it where it hangs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

TIMEOUT = 120
"""Seconds. What is run takes a tenth of it."""


def run(code: str) -> str:
    """Run statements, and return what they print.

    Raises
    ------
    TimeoutError
        When they take too long. Their own children are ended with them.
    """
    folders = [str(ROOT), str(ROOT / "adapters")]
    process = subprocess.Popen(
        [sys.executable, "-c", f"import torch; torch.set_num_threads(2)\n{code}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"still running after {TIMEOUT} s:\n{code}") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 0, errors
    return printed
