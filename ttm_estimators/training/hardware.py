"""What a run trains on, for its card."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import torch


def describe_hardware(processes: int, machines: int, workers: int) -> tuple[str, int]:
    """Name of the GPU, or else of the processor, and how many cores are in use.

    Parameters
    ----------
    processes : int
        Processes that train, on all machines together.
    machines : int
        Machines, of one kind.
    workers : int
        Further processes of each that make windows.

    Returns
    -------
    tuple of str and int
        Such as ``("2 x NVIDIA H200", 4)``. A core that runs two processes counts once.
    """
    if torch.cuda.is_available():
        name = f"{processes} x {torch.cuda.get_device_name()}"
    else:
        name = _processor()
    each = 1 if torch.cuda.is_available() else torch.get_num_threads() + workers
    return name, min(processes * each, machines * _available_cores())


def peak_memory() -> int | None:
    """Most bytes that were in use: on the GPU where there is one, or else by this process.

    None where the system does not tell.
    """
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """Model of the processor, of which Python tells the architecture alone on Linux."""
    models = [
        line.partition(":")[2].strip()
        for line in _lines(Path("/proc/cpuinfo"))
        if line.startswith("model name")
    ]
    return models[0] if models else platform.processor() or platform.machine()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:  # not on Linux
        return []
