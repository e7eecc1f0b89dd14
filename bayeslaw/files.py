"""Files that are there whole or not at all, and are still there after a crash once they are."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bayeslaw.errors import FileError

# Which machine and process writes: another one's part is left alone while that process lives.
_HOST = re.sub(r"\W", "-", socket.gethostname())[:40]
_LONGEST_NAME = 150  # bytes kept of a name, so that its part's name stays below a disk's limit


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a file to be written, which takes the place of ``path`` once it is complete.

    A process that ends in between, however it ends, leaves what was at ``path`` as it was. When
    the block has ended, the new file survives a crash of the machine too. What interrupted
    processes left behind is cleared away when the same file is written again.

    Parameters
    ----------
    path : where the file should appear, with the rights of the one it replaces, or of any new
        file; through a link, where that leads.

    Yields
    ------
    Path
        A name beside it, to be written in the block.

    Raises
    ------
    FileError
        If the file cannot be written; what was there before still is.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder, "a.txt")) as part:
    ...         _ = part.write_text("all of it")
    ...     [p.name for p in Path(folder).iterdir()]
    ['a.txt']
    """
    try:
        path = path.resolve()
        _clear(path)
        part = path.with_name(f"{_stem(path)}{os.getpid()}.part")
        try:
            yield part
            if path.exists():
                shutil.copymode(path, part)
            _to_disk(part)
            os.replace(part, path)
            _to_disk(path.parent)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    except FileError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def write_whole(path: Path, text: str, *, errors: str = "strict") -> None:
    """Write a text in UTF-8 that appears under its name only when it is complete.

    A pipe or a device is written to as it is: it must not be replaced.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    if path.exists() and not path.is_file():
        try:
            path.write_text(text, encoding="utf-8", errors=errors, newline="\n")
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(path, error) from error
        return
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", errors=errors, newline="\n")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a block that is locked for the same folder.

    The lock leaves no file, and ends with the process however that ends.

    Raises
    ------
    FileError
        If there is no such folder.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def cannot_write(path: Path, error: OSError) -> FileError:
    """Return the error that says why a file was not written and what to do."""
    reason = error.strerror or str(error)
    return FileError(
        f"cannot write '{path}': {reason}. Free space, or choose a folder that exists and can be "
        "written to; what was there before is unchanged."
    )


def _stem(path: Path) -> str:
    name = path.name.encode(errors="surrogateescape")[:_LONGEST_NAME].decode(errors="ignore")
    return f".{name}.{_HOST}-"


def _clear(path: Path) -> None:
    """Remove parts of this file that processes of this machine left when they were killed."""
    stem = _stem(path)
    for left in path.parent.iterdir():
        process = left.name.removeprefix(stem).removesuffix(".part")
        if left.name == f"{stem}{process}.part" and process.isdigit() and not _lives(int(process)):
            left.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and not ours
        return True
    return True


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
