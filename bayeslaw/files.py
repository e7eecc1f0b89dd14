"""Files that are there whole or not at all, and are still there after a crash once they are."""

from __future__ import annotations

import os
import re
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
    path : where the file should appear, with the rights of any new file.

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
    part = path.with_name(f"{_stem(path)}{os.getpid()}.part")
    try:
        _clear(path)
        try:
            yield part
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


def append_whole(path: Path, data: bytes) -> None:
    """Add to the end of a file, all or nothing, and see it to the disk.

    Raises
    ------
    FileError
        If it cannot be written; the file is as it was.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        before = os.fstat(handle).st_size
        try:
            if os.write(handle, data) < len(data):
                raise OSError(None, "the disk took only a part")
            os.fsync(handle)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(handle, before)
            raise cannot_write(path, error) from error
    finally:
        os.close(handle)
    if not before:
        _to_disk(path.parent)


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
