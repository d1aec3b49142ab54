"""Units of work in this process, in processes of this machine, or on a Dask cluster.

Workers get a small function and return small tuples; the files go from and to storage without
passing the scheduler.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing import current_process
from typing import TYPE_CHECKING, Any, Literal

from ttm_estimators.backtest.progress import Progress
from ttm_estimators.dataset.allocator import keep_free_memory
from ttm_estimators.dataset.manifest import Manifest, locked
from ttm_estimators.dataset.metadata import identity_of
from ttm_estimators.dataset.process_file import process_file
from ttm_estimators.dataset.unit import Done, Unit
from ttm_estimators.signals import without_interrupts
from ttm_estimators.tables.errors import TableError, TableWarning
from ttm_estimators.weights import resolve, shipped_models

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client, Future

    from ttm_estimators.dataset.task import Task

OnError = Literal["stop", "record"]

TASKS_PER_THREAD = 4
"""Tasks that the scheduler holds for each thread of a worker: one that runs, and others so that no
worker waits for the driver. It never sees the millions that a run may have."""

RETRIES = 3
"""Attempts after the first where storage fails. Dask by itself tries a task again as often where
its worker is lost."""

SECONDS_BETWEEN_COUNTS = 2.0
"""Time after which workers are counted again, for a cluster may grow and shrink."""

MAX_WARNINGS = 5
"""Different warnings of files that are passed on in a run."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""For worker processes: there is one for each core."""

CATCHING = threading.Lock()
"""Of the warnings of a process, which are caught for all of its threads: one processes a file at a
time. More threads would be slower than as many processes."""


NO_PROFILER = {"distributed.worker.profile.enabled": False}
"""For worker processes: Dask's profiler keeps what it has seen in the last hour, which comes to
about 20 MB a minute."""


@dataclass(frozen=True)
class Outcome:
    """What comes back from a worker: what was done or what was wrong, and a few warnings."""

    done: Done | None
    fault: str = ""
    remedy: str = ""
    warned: tuple[str, ...] = ()


def run_dataset(
    units: Sequence[Unit],
    output: str,
    task: Task,
    *,
    client: Client | None = None,
    workers: int | None = None,
    model: str | None = None,
    device: str = "cpu",
    on_error: OnError = "stop",
    progress: bool = False,
    title: str = "forecast",
) -> pd.DataFrame:
    """Do what is not done yet of some units.

    Parameters
    ----------
    units : sequence of Unit
        Of :func:`ttm_estimators.dataset.sources.find_units`.
    output : str
        Output folder: a local path or a URL.
    task : Task
        What to do with the series of a unit.
    client : distributed.Client, optional
        Cluster to work on. It stays open.
    workers : int, optional
        Processes of this machine, each with one thread. Default: this process alone.
    model : str, optional
        Shipped model, or a weights folder that every worker can read. Default: the shipped one.
    device : str, default "cpu"
        Where workers run, such as "cuda".
    on_error : {"stop", "record"}, default "stop"
        Whether a file or series that can not be used ends the run, or is noted in the manifest.
    progress : bool, default False
        Whether to show progress on standard error.
    title : str, default "forecast"
        What to call the run there.

    Returns
    -------
    DataFrame
        The manifest, a row for each file: "file", its name in the output folder, "source", "rows",
        "series", "seconds" of its task and "network_seconds" of them in the network (NaN where an
        earlier run was killed), "failed", a list of series that were left out with reasons, and
        "error" of the file, if any.

    Raises
    ------
    TableError
        When the output folder holds something else, or another run writes there. With
        ``on_error="stop"`` when a file can not be used, or an earlier run has left out a series:
        the message names it.
    ValueError
        When both ``client`` and ``workers`` are given, or another option is wrong.
    RuntimeError
        When worker processes do not start.
    """
    if client is not None and workers is not None:
        raise ValueError("client already has workers: leave workers out")
    if client is not None and client.asynchronous:
        raise ValueError("client is asynchronous: give one that waits, Client(address)")
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise ValueError(f"workers must be at least 1, got {workers!r}")
    if workers is not None and getattr(current_process(), "_inheriting", False):
        sys.exit(1)  # a worker that starts reads a script that calls this without a guard
    if on_error not in ("stop", "record"):
        raise ValueError(f"on_error must be 'stop' or 'record', got {on_error!r}")
    if model is not None and model not in shipped_models():
        model = str(resolve(model).absolute())  # workers may stand in another folder
    identity = identity_of(task.identity, model)
    with locked(output):
        manifest = Manifest(units, output, identity)
        if on_error == "stop":
            _refuse_failed(manifest)
        left = manifest.left
        attempt = partial(
            _attempt,
            output=manifest.output,
            task=task,
            model=model,
            device=device,
            on_error=on_error,
            identity=identity,
        )
        told = Progress([f"{len(units)} files"], len(units), progress, title)
        warned: set[str] = set()
        try:
            with told, _cluster(client, min(workers or 0, len(left)), progress) as found:
                told.skip(f"{len(units)} files", len(units) - len(left))
                work = (
                    _in_turn(attempt, left) if found is None else _map(found, attempt, left, title)
                )
                with closing(work):  # cancels what runs, where something is wrong
                    for unit, outcome in work:
                        _pass_on(unit, outcome, warned)
                        if outcome.done is None and on_error == "stop":
                            raise TableError(_named(unit, outcome.fault), outcome.remedy)
                        fault = ": ".join(filter(None, (outcome.fault, outcome.remedy)))
                        manifest.add(unit, outcome.done or fault)
                        told.advance(f"{len(units)} files", 1)
        finally:
            if left:
                manifest.write()
    frame = manifest.frame()
    _tell_empty(frame)
    return frame


def _tell_empty(manifest: pd.DataFrame) -> None:
    """Warn of files without rows: what an earlier run has made of them is gone."""
    done = manifest["error"].isna() & manifest["failed"].map(len).eq(0)
    files = manifest.loc[done & manifest["series"].eq(0), "file"]
    if len(files):
        more = f" (and {len(files) - 1} more)" if len(files) > 1 else ""
        warnings.warn(
            f"the source of {files.iloc[0]}{more} has no rows: there is no result of it",
            TableWarning,
            stacklevel=3,
        )


def _refuse_failed(manifest: Manifest) -> None:
    """Refuse series that an earlier run has left out."""
    for path, failed in manifest.failed():
        more = f" (and {len(failed) - 1} more series)" if len(failed) > 1 else ""
        raise TableError(
            f"{path}: {failed[0]['reason']}{more}",
            "mend the source, or leave such series out with on_error='record'",
        )


def _attempt(
    unit: Unit,
    *,
    output: str,
    task: Task,
    model: str | None,
    device: str,
    on_error: OnError,
    identity: Mapping[str, Any],
) -> Outcome:
    """Process a file; what its user has to mend is no reason to try again.

    Storage that fails raises, so that Dask tries again.
    """
    keep_free_memory()
    with CATCHING, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            done = process_file(
                unit,
                output,
                task,
                model=model,
                device=device,
                on_error=on_error,
                identity=identity,
            )
            outcome = Outcome(done)
        except TableError as error:
            outcome = Outcome(None, error.fault, error.remedy)
        except OSError:
            raise
        except Exception as error:
            outcome = Outcome(None, _text(error))
    texts = dict.fromkeys(str(one.message) for one in caught)
    return replace(outcome, warned=tuple(texts)[:MAX_WARNINGS])


def _in_turn(
    attempt: Callable[[Unit], Outcome], units: Sequence[Unit]
) -> Generator[tuple[Unit, Outcome]]:
    for unit in units:
        try:
            yield unit, attempt(unit)
        except OSError as error:
            yield unit, Outcome(None, str(error))


def _map(
    client: Client, attempt: Callable[[Unit], Outcome], units: Sequence[Unit], title: str
) -> Generator[tuple[Unit, Outcome]]:
    """Units and what became of them, as they come back."""
    from distributed import as_completed

    run, waiting = uuid.uuid4().hex[:8], iter(enumerate(units))
    running: dict[str, tuple[Unit, Future]] = {}
    finished = as_completed(loop=client.loop)
    threads, counted = 0, -math.inf
    try:
        while True:
            if time.monotonic() - counted > SECONDS_BETWEEN_COUNTS:
                threads, counted = sum(client.nthreads().values()), time.monotonic()
            free = TASKS_PER_THREAD * max(1, threads) - len(running)
            for i, unit in islice(waiting, max(0, free)):
                # Another name in each run: what a scheduler remembers of one is not this one's.
                key = f"{title}-{run}-{i}"
                future = client.submit(attempt, unit, key=key, retries=RETRIES)
                running[key] = unit, future
                finished.add(future)
            if not running:
                return
            future = next(finished)
            unit, _ = running.pop(str(future.key))
            yield unit, _outcome(future)
    finally:
        client.cancel([future for _, future in running.values()])


def _outcome(future: Future) -> Outcome:
    """Result of a task, or why there is none.

    Raises
    ------
    ConnectionError
        When the scheduler no longer knows of it.
    """
    from distributed import KilledWorker

    if future.status == "finished":
        return future.result()
    if future.status != "error":
        raise ConnectionError(
            "the scheduler was lost or has cancelled the run: start it again, what is done is "
            "skipped"
        )
    error: Any = future.exception()
    if isinstance(error, KilledWorker):
        return Outcome(None, "every worker that took it died, perhaps for want of memory")
    return Outcome(None, str(error) if isinstance(error, OSError) else _text(error))


@contextmanager
def _cluster(client: Client | None, workers: int, progress: bool) -> Iterator[Client | None]:
    """The user's client, or one of a cluster on this machine; None where none is wanted."""
    if client is None and not workers:
        yield None
        return
    if client is not None:
        _tell_dashboard(client, progress)
        yield client
        return
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError(
            "workers need distributed, install it with: "
            f'pip install "ttm-estimators[distributed]" ({error})'
        ) from error
    nannies = logging.getLogger("distributed.nanny")
    level = nannies.level
    nannies.setLevel(logging.CRITICAL)  # what they would tell is told below
    try:
        # The processes get the configuration of this one.
        with dask.config.set(NO_PROFILER), without_interrupts():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": progress},
                env=ONE_THREAD,
            )
    except RuntimeError:
        raise RuntimeError(
            "the worker processes could not be started: in a script, call this behind "
            'if __name__ == "__main__":'
        ) from None
    finally:
        nannies.setLevel(level)
    with ExitStack() as stack:
        stack.callback(nannies.setLevel, level)
        stack.enter_context(cluster)
        own = stack.enter_context(Client(cluster))
        # Processes may take seconds to unload their libraries, which is nothing to warn of.
        stack.callback(nannies.setLevel, logging.ERROR)
        _tell_dashboard(own, progress)
        yield own


def _tell_dashboard(client: Client, progress: bool) -> None:
    if progress and client.dashboard_link:
        print(f"dashboard: {client.dashboard_link}", file=sys.stderr, flush=True)


def _pass_on(unit: Unit, outcome: Outcome, warned: set[str]) -> None:
    """Warn of what files warned of: once, however many warn of the same."""
    for text in outcome.warned:
        told = text.removeprefix(f"{unit.path}: ")
        if told in warned or len(warned) > MAX_WARNINGS:
            continue
        warned.add(told)
        last = len(warned) > MAX_WARNINGS
        further = "further files warn of something"
        with CATCHING:  # a worker may be a thread of this process
            warnings.warn(further if last else _named(unit, told), TableWarning, stacklevel=3)


def _named(unit: Unit, text: str) -> str:
    return text if unit.path in text else f"{unit.path}: {text}"


def _text(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"
