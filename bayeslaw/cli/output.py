"""Where results go: the screen, JSON files written whole or not at all, and messages on stderr."""

import codecs
import json
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bayeslaw.cli.options import Common
from bayeslaw.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.inference import Fit
    from bayeslaw.prediction import Average

STDOUT = "-"


def tell(message: str) -> None:
    """Say something on stderr, as it is: names in it may hold brackets or backslashes."""
    typer.echo(message, err=True)


def screen(common: Common, *, stderr: bool = False) -> "Console":
    """Return the console for tables, silent with --quiet or while stdout carries the JSON.

    Names of families come from files, so nothing printed is read as markup.
    """
    from rich.console import Console

    _write_anything(sys.stderr if stderr else sys.stdout)
    silent = common.quiet or (common.json == STDOUT and not stderr)
    return Console(stderr=stderr, quiet=silent, markup=False, emoji=False, highlight=False)


def encodes(encoding: str, text: str) -> bool:
    """Whether an encoding has every character of a text."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write_anything(stream: Any) -> None:
    """Let a stream of a poor encoding replace what it lacks, dashes by a hyphen."""

    def replace(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        lacking = error.object[error.start : error.end]
        return "".join("-" if c == "\u2013" else "?" for c in lacking), error.end

    if hasattr(stream, "reconfigure"):
        codecs.register_error("bayeslaw", replace)
        stream.reconfigure(errors="bayeslaw")


def busy(common: Common, what: str, hint: str = "") -> AbstractContextManager[Any]:
    """Show a moving bar while something lasts that cannot be counted; a line where none can move.

    Parameters
    ----------
    common
        With ``quiet`` nothing is shown.
    what
        What is being done.
    hint
        How not to do it.
    """
    aside = screen(common, stderr=True)
    if common.quiet or not aside.is_terminal:
        aside.print(f"{what} ({hint})" if hint else what, soft_wrap=True)
        return nullcontext()
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # Text from the library alone: rich reads markup in what is described here.
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=aside, transient=True)
    bar.add_task(what, total=None)
    return bar


def headed(
    command: str, common: Common, fit: "Fit | Average | None" = None, **rest: Any
) -> dict[str, Any]:
    """Return a JSON record that opens with what the contract asks of every command."""
    from bayeslaw import __version__

    head: dict[str, Any] = {"command": command, "version": __version__}
    if fit is None:
        return head | {"seed": common.seed} | rest
    return (
        head | {"law": fit.spec.label, "seed": common.seed, "health": fit.health.to_dict()} | rest
    )


def deliver(record: dict[str, Any], common: Common) -> None:
    """Write the JSON record where --json says, if it says."""
    if common.json is None:
        return
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    if common.json == STDOUT:
        sys.stdout.write(text)
    else:
        write_whole(Path(common.json), text)


def require_writable(common: Common, *sources: Path | None, **outputs: Path | None) -> None:
    """Refuse output paths that would fail after a slow fit, or overwrite an input.

    Parameters
    ----------
    common
        Its ``json`` is one of the outputs.
    *sources
        Files that are read.
    **outputs
        Files to be written, by flag; those of ``out`` must be named like a fit.
    """
    if common.json not in (None, STDOUT):
        outputs["json"] = Path(common.json)
    taken = {source.resolve(): "an input" for source in sources if source is not None}
    for flag, path in outputs.items():
        if path is None:
            continue
        fault = _fault(path, fit=flag == "out") or (
            f"is {taken[path.resolve()]} too; choose another name"
            if path.resolve() in taken
            else None
        )
        if fault:
            raise typer.BadParameter(f"{str(path)!r} {fault}.", param_hint=f"--{flag}")
        taken[path.resolve()] = "another output"
    if outputs.get("report") is not None:
        from bayeslaw.reporting import require_packages

        require_packages()


def require_folder(path: Path, flag: str) -> None:
    """Refuse a folder that could not be made after the slow part."""
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise typer.BadParameter(
            f"{str(path)!r} cannot be made a folder and written to; choose another name.",
            param_hint=flag,
        )


def _fault(path: Path, *, fit: bool) -> str | None:
    if path.is_dir():
        return "is a directory; add a file name"
    if not path.parent.is_dir():
        return f"is in a folder that does not exist; create {str(path.parent)!r} first"
    if fit and path.suffix != ".nc":
        return "does not end in .nc; fits are NetCDF files, and the name tells them from tables"
    if path.is_file() or not path.exists():
        if not os.access(path.parent, os.W_OK):
            return "is in a folder that cannot be written to; choose another"
    elif fit:
        return "is not a regular file; choose another name"
    return None
