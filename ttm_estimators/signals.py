"""Ctrl-C and SIGTERM end a command like an exit, so that what was begun is cleaned up."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Timer, current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import Any, NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM)

SECONDS_TO_TRY_AGAIN = 0.02

MAX_SECONDS_OF_IMPORT = 5.0
"""After a signal. Those amid a command's work take less on a busy machine too."""


def run_main(module: str) -> None:
    """Run ``main`` of a module as a process of its own, for which signals count while it loads."""
    for number in ENDING:
        signal.signal(number, _exit_at_once)
    try:
        with ended_by_signals():
            import_module(module).main()
    except SystemExit as end:
        if end.code in [128 + number for number in ENDING]:
            sys.unraisablehook = lambda _: None  # as within the block: destructors run later too
        raise
    finally:  # the work is done, and what is left is cleaning up
        for number in ENDING:
            signal.signal(number, _exit_next_time)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """End a block by Ctrl-C or SIGTERM with exit code 130 or 143, whatever libraries make of it."""
    if current_thread() is not main_thread():  # which alone may handle signals
        yield
        return
    received: list[tuple[int, float]] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append((number, monotonic()))
        if not _is_import(frame):
            sys.exit(128 + number)
        # An exception aborts C++ that imports, as torch does.
        if monotonic() - received[0][1] > MAX_SECONDS_OF_IMPORT:
            _exit_at_once(number)
        _send_again(number)

    def tell(ignored: Any) -> None:
        if not received:
            told_before(ignored)
        elif isinstance(ignored.exc_value, SystemExit):  # such as one in a destructor
            _send_again(received[0][0])

    before = {number: signal.signal(number, end) for number in ENDING}
    told_before, sys.unraisablehook = sys.unraisablehook, tell
    try:
        yield
    except BaseException:
        if not received:
            raise
    finally:
        sys.unraisablehook = told_before
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:  # pandas makes an error of an exit in the middle of a file, for one
        sys.exit(128 + received[0][0])


def _is_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _send_again(number: int) -> None:
    later = Timer(SECONDS_TO_TRY_AGAIN, _interrupt, [number])
    later.daemon = True
    later.start()


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Start threads and processes that Ctrl-C does not reach, for the one that waits ends them.

    A terminal sends it to all of them, and each would tell of it. In this thread it comes after the
    block.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Another thread may take what this one blocks, and Python has the main one handle it.
    main = current_thread() is main_thread() and signal.getsignal(signal.SIGINT) is not None
    received: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    if main:
        handler = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if received:
            _interrupt(signal.SIGINT)


def _interrupt(number: int) -> None:
    if hasattr(signal, "pthread_kill"):  # which ends what the main thread waits for
        signal.pthread_kill(main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _exit_next_time(number: int, _: FrameType | None) -> None:
    signal.signal(number, _exit_at_once)


def _exit_at_once(number: int, _: FrameType | None = None) -> NoReturn:
    os._exit(128 + number)
