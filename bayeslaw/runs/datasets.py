"""Public data sets by name: shipped, read from a folder, or downloaded and checked."""

import difflib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bayeslaw.errors import DataError
from bayeslaw.names import FLOPS, LOSS, LOSS_SD, PARAMS, RUN, TOKENS
from bayeslaw.runs.fetch import download, embedded_folder, local_path, sha256
from bayeslaw.runs.load import load_runs
from bayeslaw.runs.registry import DATASETS, LOSS_HIGH, LOSS_LOW, Dataset, Exclusion
from bayeslaw.runs.table import Runs

NORMAL_95 = 3.92  # width of a normal 95 % interval in standard deviations


def datasets() -> tuple[Dataset, ...]:
    """List every registered data set, shipped ones first.

    Returns
    -------
    tuple of Dataset

    Examples
    --------
    >>> datasets()[0].name
    'published'
    """
    return DATASETS


def get_dataset(name: str) -> Dataset:
    """Find a registered data set by name.

    Parameters
    ----------
    name
        As listed by ``datasets()``.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        When no data set has that name; the message suggests the nearest.

    Examples
    --------
    >>> get_dataset("chinchilla_epoch").rows
    245
    """
    known = {dataset.name: dataset for dataset in DATASETS}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise DataError(f"unknown data set {name!r}; {hint}Known: {', '.join(sorted(known))}")


def dataset_path(name: str) -> Path:
    """Locate the file of a data set, downloading it when that is possible and allowed.

    Parameters
    ----------
    name
        As listed by ``datasets()``.

    Returns
    -------
    Path
        The shipped file; else the file below the folder in ``BAYESLAW_DATA_DIR``; else the
        upstream file in the user's cache. The last two are checked against a SHA-256.

    Raises
    ------
    DataError
        When the file is nowhere, cannot be downloaded, or has another checksum.

    Examples
    --------
    >>> dataset_path("published").name
    'published_losses.csv'
    """
    dataset = get_dataset(name)
    if dataset.embedded is not None:
        return embedded_folder() / dataset.embedded
    return local_path(dataset) or download(dataset)


def dataset_frame(name: str) -> pd.DataFrame:
    """Read the table of a data set as it stands, nothing renamed or left out.

    Parameters
    ----------
    name
        As listed by ``datasets()``.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    DataError
        As ``dataset_path``.

    Examples
    --------
    >>> float(dataset_frame("kaplan2020_fits")["exponent"].iloc[0])
    0.076
    """
    path = dataset_path(name)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def load_dataset(name: str, **options: str) -> Runs:
    """Load a public data set as a runs table, with its provenance in the notes.

    Parameters
    ----------
    name
        As listed by ``datasets()``.
    **options
        Choices the data set offers, such as ``loss="openlm_val"`` or ``phase="cooldown_end"``;
        see ``get_dataset(name).choices``.

    Returns
    -------
    Runs
        One row per observed loss, in nats per token.

    Raises
    ------
    DataError
        When the name, an option or the file is wrong, or the set is not a table of runs.

    Examples
    --------
    >>> len(load_dataset("published"))
    91
    """
    dataset = get_dataset(name)
    if dataset.kind != "runs":
        raise DataError(
            f"data set {name!r} is not a table of training runs; read it with "
            f"dataset_frame({name!r})"
        )
    chosen = _chosen(dataset, options)
    frame = _canonical(dataset, dataset_frame(name), chosen)
    notes = [f"{dataset.title} ({_citation(dataset)}); licence {dataset.licence}"]
    notes += [f"chosen {option} = {value}" for option, value in chosen.items()]
    for exclusion in dataset.exclusions:
        out = _excluded(frame, exclusion)
        frame = frame.loc[~out]
        notes.append(f"left out {np.count_nonzero(out)} rows: {exclusion.reason}")
    notes += [f"beware: {caveat}" for caveat in dataset.caveats]
    runs = load_runs(frame.reset_index(drop=True))
    return replace(runs, source=name, notes=(*notes, *runs.notes))


def datasets_table() -> pd.DataFrame:
    """Tabulate the registry: what each set is, its licence, address, checksum and size.

    Returns
    -------
    pandas.DataFrame
        Columns name, kind, title, paper, rows, licence, url, sha256, size (bytes), embedded,
        local. ``sha256`` and ``size`` are of the shipped or upstream file, missing when no
        verified value is on record.

    Examples
    --------
    >>> bool(datasets_table()["embedded"].iloc[0])
    True
    """
    table = pd.DataFrame([_table_row(dataset) for dataset in DATASETS])
    return table.astype({"size": "Int64"})


def _table_row(dataset: Dataset) -> dict[str, object]:
    path = embedded_folder() / dataset.embedded if dataset.embedded else None
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "title": dataset.title,
        "paper": dataset.paper,
        "rows": dataset.rows,
        "licence": dataset.licence,
        "url": dataset.url,
        "sha256": sha256(path) if path else dataset.sha256,
        "size": path.stat().st_size if path else dataset.size,
        "embedded": path is not None,
        "local": dataset.local,
    }


def _citation(dataset: Dataset) -> str:
    paper = f"arXiv:{dataset.paper}" if dataset.paper[:4].isdigit() else dataset.paper
    return f"{paper}, {dataset.upstream}" if dataset.upstream else paper


def _chosen(dataset: Dataset, options: dict[str, str]) -> dict[str, str]:
    """Fill the options in with their defaults; refuse what the data set does not offer."""
    offered = {choice.name: choice.values for choice in dataset.choices}
    for option, value in options.items():
        if option not in offered:
            names = ", ".join(sorted(offered)) or "none"
            raise DataError(f"data set {dataset.name!r} has no option {option!r}; it has: {names}")
        if value not in offered[option]:
            raise DataError(
                f"data set {dataset.name!r} has no {option} {value!r}; "
                f"choose one of: {', '.join(offered[option])}"
            )
    return {option: options.get(option, values[0]) for option, values in offered.items()}


def _canonical(dataset: Dataset, found: pd.DataFrame, chosen: dict[str, str]) -> pd.DataFrame:
    """Select the chosen rows and columns, name them as the contract does, derive the rest."""
    columns = {**dataset.columns, **{name: name for name in dataset.keep}}
    for choice in dataset.choices:
        value = chosen[choice.name]
        if choice.rows is not None:
            found = found.loc[(found[choice.rows] == value).to_numpy()]
        columns |= {template.format(value): name for name, template in choice.columns.items()}
    if found.empty:
        asked = ", ".join(f"{option}={value!r}" for option, value in chosen.items())
        raise DataError(f"data set {dataset.name!r} has no rows with {asked}; change one of them")
    present = {old: new for old, new in columns.items() if old in found.columns}
    frame = found.loc[:, list(present)].rename(columns=present).assign(**dataset.constants)
    for name in (PARAMS, TOKENS, FLOPS, LOSS):
        if name in frame:
            frame[name] = frame[name].astype(np.float64)  # 6 N D overflows 64-bit integers
    if TOKENS not in frame:
        frame[TOKENS] = frame[FLOPS] / (6 * frame[PARAMS])
    if LOSS_LOW in frame:
        frame[LOSS_SD] = (frame.pop(LOSS_HIGH) - frame.pop(LOSS_LOW)) / NORMAL_95
    if dataset.restarts is not None:
        label = frame[RUN].astype(str)
        begins = (frame[dataset.restarts].diff() <= 0) & (label == label.shift())
        frame[RUN] = label + "#" + (begins.groupby(label).cumsum() + 1).astype(str)
    for name, template in dataset.labels.items():
        frame[name] = [template.format_map(row) for row in frame.to_dict("records")]
    if dataset.separate is not None:
        column, value = dataset.separate
        own = frame[column] == value
        ends = frame[TOKENS].map("|{:.6g}".format)
        frame[RUN] = frame[RUN].where(~own, frame[RUN] + ends)
    return frame


def _excluded(frame: pd.DataFrame, exclusion: Exclusion) -> np.ndarray:
    """Mark the rows an exclusion leaves out."""
    column, value = frame[exclusion.column], exclusion.value
    match exclusion.relation:
        case "in":
            out = column.isin(value)
        case "not in":
            out = ~column.isin(value)
        case "missing":
            out = column.isna()
        case ">":
            out = column > value
        case "largest":
            out = column.rank(method="first", ascending=False) <= value
        case "repeated":
            out = frame.duplicated([exclusion.column, *value])
    return out.to_numpy(dtype=bool)
