"""Worker processes that end with the one that started them, however it ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import Any

from ttm_estimators.signals import without_interrupts

Submit = Callable[..., Future[Any]]


@contextmanager
def worker_processes(
    workers: int, start: Callable[[Any], object], value: object
) -> Iterator[Submit]:
    """Give a function that has others called in worker processes.

    Where the block fails, what runs there is not waited for.

    Parameters
    ----------
    workers : int
        How many.
    start : callable
        What each of them calls first, with ``value``.
    """
    # Forked processes would inherit locks of torch's threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (start, value))

    def submit(function: Callable[..., Any], *given: Any, **named: Any) -> Future[Any]:
        with without_interrupts():  # a process is started when it is needed
            return pool.submit(function, *given, **named)

    with pool:
        try:
            yield submit
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
            raise


def _start(start: Callable[[Any], object], value: object) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start(value)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
