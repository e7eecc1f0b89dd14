"""Where the file of a data set lies: shipped, in the user's folder, or downloaded and checked."""

import hashlib
import logging
import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from bayeslaw.errors import DataError
from bayeslaw.runs.registry import Dataset

DATA_DIR = "BAYESLAW_DATA_DIR"  #: environment variable naming the folder of local tables


@cache
def embedded_folder() -> Path:
    """Find the shipped tables: inside the installed package, or beside it in a checkout."""
    package = Path(str(files("bayeslaw")))
    for folder in (package / "data", package.parent / "data"):
        if (folder / "published_losses.csv").is_file():
            return folder
    raise DataError(
        f"the shipped tables are missing from {package / 'data'}; reinstall the package"
    )


def sha256(path: Path) -> str:
    """Compute the checksum the registry records, as lower-case hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def local_path(dataset: Dataset) -> Path | None:
    """Return the checked file below BAYESLAW_DATA_DIR, or None when it is not there."""
    folder = os.environ.get(DATA_DIR)
    if not folder or dataset.local is None:
        return None
    path = Path(folder) / dataset.local
    if not path.is_file():
        return None
    found = sha256(path)
    if found != dataset.local_sha256:
        raise DataError(
            f"{path} has SHA-256 {found}; expected {dataset.local_sha256}. The file was changed: "
            f"restore it, or load your own table with load_runs"
        )
    return path


def download(dataset: Dataset) -> Path:
    """Fetch the upstream file into the user's cache; refuse when no checksum vouches for it."""
    if dataset.sha256 is None or dataset.url is None:
        raise DataError(
            f"data set {dataset.name!r} is not shipped, and no verified checksum for its upstream "
            f"files is on record, so they are not downloaded. Get them from {dataset.url} and load "
            f"them with load_runs, or set {DATA_DIR} to a folder that holds {dataset.local} "
            f"(SHA-256 {dataset.local_sha256})"
        )
    import pooch  # imports requests: only a download needs it

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        path = pooch.retrieve(
            dataset.url,
            known_hash=f"sha256:{dataset.sha256}",
            fname=f"{dataset.sha256[:16]}-{Path(dataset.url).name}",
            path=pooch.os_cache("bayeslaw"),
        )
    except (OSError, ValueError) as error:  # no network, or a wrong checksum
        raise DataError(
            f"could not download data set {dataset.name!r} from {dataset.url}: {error}. Check the "
            f"network, or set {DATA_DIR} to a folder that holds {dataset.local}"
        ) from error
    finally:
        logger.setLevel(level)
    return Path(path)
