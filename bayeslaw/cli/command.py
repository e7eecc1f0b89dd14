"""A function made a command: its option groups become flags, its errors exit codes."""

import functools
import inspect
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import typer

from bayeslaw.cli.options import Common
from bayeslaw.cli.output import tell
from bayeslaw.errors import BayeslawError

UNHEALTHY, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143


class Terminated(KeyboardInterrupt):
    """Another process asked this one to end: as if from the keyboard, so that all is tidied."""


def end_tidily() -> None:
    """Let a request to end the process leave nothing half-written and no worker behind."""

    def stop(*_: Any) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, stop)


def command(function: Callable[..., Any]) -> Callable[..., None]:
    """Turn a function into what typer registers.

    Parameters
    ----------
    function
        Takes plain arguments, which typer reads from the annotations, and groups of options as
        dataclasses, one of them ``common``. It returns the health of its fit, or None.

    Returns
    -------
    callable
        Takes every field of the groups as a flag of its own, and exits with the contract's
        codes: 1 for an unhealthy fit, 2 for bad input.
    """
    taken = inspect.signature(function).parameters.values()
    groups: dict[str, Any] = {p.name: p.annotation for p in taken if is_dataclass(p.annotation)}
    plain = [p.replace(kind=p.KEYWORD_ONLY) for p in taken if p.name not in groups]
    flags = [
        inspect.Parameter(
            f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type
        )
        for group in groups.values()
        for f in fields(group)
    ]

    @functools.wraps(function)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{f.name: given.pop(f.name) for f in fields(group)})
        code = _exit_code(functools.partial(function, **given), given["common"])
        if code:
            raise typer.Exit(code)

    run.__signature__ = inspect.Signature([*plain, *flags])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*plain, *flags)}
    return run


def _exit_code(work: Callable[[], Any], common: Common) -> int:
    """Do the work; say on stderr what went wrong, and return the exit code."""
    try:
        with warnings.catch_warnings():
            if not common.debug:
                warnings.simplefilter("ignore")  # ours are in the results, as notes
            health = work()
        sys.stdout.flush()  # a full disk is told now, not when the process ends
    except (typer.Exit, typer.BadParameter, BrokenPipeError):
        raise  # typer's own business
    except KeyboardInterrupt as stopped:
        return _stopped(stopped)
    except BayeslawError as error:
        if common.debug:
            traceback.print_exc()
        tell(f"error: {error}")
        return BAD_INPUT
    except OSError as error:
        if common.debug:
            traceback.print_exc()
        where = "" if error.filename is None else f"'{error.filename}': "
        tell(f"error: {where}{error.strerror or error}; make room, or choose another place.")
        return BAD_INPUT
    except Exception as error:
        interrupt = _interrupt_behind(error)
        if interrupt is not None:
            return _stopped(interrupt)
        if common.debug:
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        tell(f"internal error: {what}; run again with --debug and report it")
        return UNHEALTHY
    if health is None or health.ok:
        return 0
    failures = "\n".join(f"  {failure}" for failure in health.failures)
    tell(f"the fit is NOT trustworthy:\n{failures}")
    return UNHEALTHY


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that made compiled code fail with an error of its own, if one did."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _stopped(by: KeyboardInterrupt) -> int:
    tell("interrupted; no file was left half-written")
    return TERMINATED if isinstance(by, Terminated) else INTERRUPTED
