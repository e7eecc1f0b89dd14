"""Work on threads, processes or a Dask cluster: where it is done changes no result.

Whoever asks settles the random numbers of each call beforehand, so neither the order of the
calls nor the number of workers can be seen in what comes back. Inside a pool joblib and Dask send
calls and results from process to process as pickles; none is ever written to a file.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayeslaw import kept
from bayeslaw.errors import PoolError, SpecError

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

# A task that has taken a worker down so often would take down the next.
_DEATHS = 3
_SECONDS_TO_ANSWER = 10
_SAME = ("bayeslaw", "numpy", "scipy", "numba", "joblib")


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    """Return a call to be made later."""
    return function, args, kwargs


def in_parallel(cores: int, calls: Sequence[Call]) -> list[Any]:
    """Make calls on threads: for kernels that work outside the interpreter's lock.

    Returns
    -------
    Their results in order, the same for any number of cores.
    """
    if cores == 1 or len(calls) == 1:
        return [function(*args, **kwargs) for function, args, kwargs in calls]
    with ThreadPoolExecutor(cores) as pool:
        return list(pool.map(lambda c: c[0](*c[1], **c[2]), calls))


@dataclass(frozen=True)
class Pool:
    """Where work is done, and where its results are kept meanwhile.

    Attributes
    ----------
    jobs : processes of this machine at once; families of one fit share threads instead.
    cluster : address of a running Dask scheduler, which takes the place of them.
    folder : keeps each result as soon as it is there; what it holds is not made again.

    Raises
    ------
    SpecError
        If there are fewer jobs than one.

    Examples
    --------
    >>> Pool().made([call(pow, 2, 3), call(pow, 3, 2)])
    [8, 9]
    """

    jobs: int = 1
    cluster: str | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise SpecError(f"jobs is {self.jobs}; expected 1 or more.")

    @property
    def single(self) -> bool:
        """Whether one call is made after the other, in this process."""
        return self.jobs == 1 and self.cluster is None

    def made(
        self,
        calls: Sequence[Call],
        *,
        makes: type | None = None,
        together: int = 1,
        threads: int | None = None,
        shown: str | None = None,
    ) -> list[Any]:
        """Make calls and return their results in order.

        A worker that dies costs the time of its task, which another makes again.

        Parameters
        ----------
        calls : of functions that workers can import, with values as arguments.
        makes : the dataclass that a result is, if it is one.
        together : calls that travel, and are kept, as one task.
        threads : threads of this process to use in place of processes, unless there is a cluster.
        shown : what is counted, for a progress bar on stderr; None for no bar.

        Raises
        ------
        PoolError
            If a cluster does not answer or runs other versions, or a task keeps killing workers.
        FileError
            If a result cannot be kept.
        """
        if self.cluster is None and self.folder is None:
            together = 1
        tasks = {i: list(calls[i : i + together]) for i in range(0, len(calls), together)}
        places: dict[int, Path] = {}
        if self.folder is not None:
            places = {i: kept.place(self.folder, task) for i, task in tasks.items()}
        found: dict[int, list[Any]] = {}
        with _bar(shown, len(calls)) as advance:
            for i, path in places.items():
                for results in kept.recall(path):
                    found[i] = [r if makes is None else makes(**r) for r in results]
                    advance(len(results))
            left = {i: task for i, task in tasks.items() if i not in found}
            for i, results in self._spread(left, threads):
                found[i] = results
                if places:
                    kept.keep(places[i], [r if makes is None else _fields(r) for r in results])
                advance(len(results))
        return [result for i in tasks for result in found[i]]

    def _spread(
        self, tasks: dict[int, list[Call]], threads: int | None
    ) -> Iterator[tuple[int, list[Any]]]:
        """Do tasks and yield their results as they are done."""
        if not tasks:
            return
        if self.cluster is not None:
            with _connected(self.cluster):
                yield from _workers(tasks, -1, None)
        elif (threads or self.jobs) == 1 or len(tasks) == 1:
            yield from (_done(i, task) for i, task in tasks.items())
        elif threads:
            yield from _workers(tasks, threads, "threading")
        else:
            yield from _workers(tasks, self.jobs, "loky")


def _workers(
    tasks: dict[int, list[Call]], jobs: int, backend: str | None
) -> Iterator[tuple[int, list[Any]]]:
    from joblib import Parallel, delayed

    left, deaths = dict(tasks), 0
    while left:
        how: dict[str, Any] = {"batch_size": 1, "return_as": "generator_unordered"}
        parallel: Any = Parallel(n_jobs=jobs, backend=backend, **how)
        try:
            for i, results in parallel(delayed(_done)(*item) for item in list(left.items())):
                del left[i]
                deaths = 0
                yield i, results
        except BrokenProcessPool as error:
            # What was done before stays done; a new pool takes the rest.
            deaths += 1
            if deaths == _DEATHS:
                raise PoolError(
                    f"workers died {deaths} times in a row and no task came through; expected them "
                    "to live. Most often memory ran out: use fewer jobs."
                ) from error


def _done(i: int, task: list[Call]) -> tuple[int, list[Any]]:
    return i, [function(*args, **kwargs) for function, args, kwargs in task]


def _fields(result: Any) -> dict[str, Any]:
    return {f.name: getattr(result, f.name) for f in fields(result)}


def _facts() -> dict[str, str]:
    """Return what must be the same everywhere for results to be the same."""
    return {"python": platform.python_version()} | {name: version(name) for name in _SAME}


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Make a Dask cluster joblib's, after a look at whether it would give the same results."""
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise PoolError(
            "a cluster needs Dask, not installed; install bayeslaw[dask], or leave the cluster out."
        ) from error
    from joblib import parallel_config

    try:
        client: Any = Client(address, timeout=_SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise PoolError(
            f"no Dask scheduler answers at '{address}' ({type(error).__name__}); expected one such "
            "as tcp://host:8786. Start it with 'dask scheduler' and 'dask worker', or use jobs."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS_TO_ANSWER)
            _require_same(client.run(_facts))
            with parallel_config(backend="dask", client=client):
                yield
        except TimeoutError as error:
            raise PoolError(
                f"the cluster at '{address}' has no worker; expected one or more. Start some with "
                f"'dask worker {address}'."
            ) from error
        except KilledWorker as error:
            raise PoolError(
                f"a task killed every worker that took it ({error}); expected them to live. Most "
                "often memory ran out: give workers more of it."
            ) from error


def _require_same(workers: dict[str, dict[str, str]]) -> None:
    here = _facts()
    for worker, there in workers.items():
        differ = [f"{n} {there[n]} there, {here[n]} here" for n in here if there[n] != here[n]]
        if differ:
            raise PoolError(
                f"worker {worker} has {'; '.join(differ)}; expected the same versions, for other "
                "ones may give other numbers. Install the same environment there."
            )


@contextmanager
def _bar(shown: str | None, total: int) -> Iterator[Callable[[int], Any]]:
    if shown is None:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(shown, total=total)
        yield lambda n: progress.advance(task, n)
