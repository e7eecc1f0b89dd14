"""Fits on disk: NetCDF through a DataTree, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayeslaw.errors import BayeslawError, FileError, FitError
from bayeslaw.files import whole
from bayeslaw.inference.health import Check, Failure, Health
from bayeslaw.inference.result import Fit
from bayeslaw.laws import Law
from bayeslaw.model.discrepancy import Features
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs
from bayeslaw.runs.columns import require_rules
from bayeslaw.runs.limits import bytes_allowed, too_large
from bayeslaw.runs.quantities import shown

FORMAT = 1
# Types that CSV text gives back exactly; any other column is kept as text.
_PLAIN = ("float64", "int64", "bool")
_DAMAGE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError)
_COPIES = 4  # of the draws that using a fit makes at most at a time


def to_datatree(fit: Fit) -> xr.DataTree:
    """Return a fit as a DataTree in ArviZ's layout, with the runs and the facts of the fit."""
    layout = fit.layout
    facts = {
        "format": FORMAT,
        "spec": fit.spec.to_dict(),
        "seed": fit.seed,
        "engine": fit.engine,
        "reason": fit.reason,
        "seconds": dict(fit.seconds),
        "versions": dict(fit.versions),
        "source": fit.runs.source,
        "notes": list(fit.runs.notes),
        "digest": fit.runs.digest,
        "references": layout.references,
        "anchors": layout.anchors.tolist(),
        "types": {str(c): str(t) for c, t in fit.runs.table.dtypes.items()},
        "health": {
            "failures": [[f.check.name, f.found] for f in fit.health.failures],
            "warnings": list(fit.health.warnings),
            "figures": [list(pair) for pair in fit.health.figures],
        },
    }
    table = fit.runs.table.to_csv(index=False, float_format="%.17g", lineterminator="\n")
    observed = xr.Dataset({"log_loss": ("row", layout.log_loss)})
    tree = {
        "/": xr.Dataset(attrs={"bayeslaw": json.dumps(facts)}),
        "/posterior": fit.posterior,
        "/sample_stats": fit.sample_stats,
        "/log_likelihood": fit.log_likelihood,
        "/observed_data": observed,
        "/runs": xr.Dataset(
            {
                "csv": ((), np.array(table, dtype=object)),
                "features": ((), np.array(_features_text(layout), dtype=object)),
            }
        ),
    }
    return xr.DataTree.from_dict(tree)


def save(fit: Fit, path: str | Path) -> Path:
    """Write a fit; the file appears under its name only when it is complete.

    Raises
    ------
    FitError
        If the folder cannot be written.
    """
    target = Path(path)
    try:
        with whole(target) as part:
            part.write_bytes(_to_bytes(fit))
    except FileError as error:
        raise FitError(str(error)) from error
    return target


def _to_bytes(fit: Fit) -> bytes:
    """Return the file's bytes: HDF5 that meets a full disk takes the whole process down."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        fit.to_datatree().to_netcdf(out, engine="h5netcdf")
    return out.getvalue()


def load_fit(path: str | Path, *, law: Law | None = None) -> Fit:
    """Read a fit that :meth:`Fit.save` wrote.

    Parameters
    ----------
    path : the NetCDF file.
    law : the law, if it is not in the catalogue.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If the file is missing, damaged, or not a fit of this version.
    """
    source = Path(path)
    if not source.is_file():
        raise FitError(f"there is no fit file '{source}'. Make one with bayeslaw fit RUNS --out.")
    try:
        # Opening adds a warning filter of its own, which is not ours to leave behind.
        with warnings.catch_warnings(), xr.open_datatree(source, engine="h5netcdf") as opened:
            _refuse_size(source, opened)
            tree = opened.load()
    except (*_DAMAGE, OSError, RuntimeError) as error:
        raise _incomplete(source, error) from error
    return from_datatree(tree, source, law=law)


def from_datatree(tree: xr.DataTree, source: str | Path, *, law: Law | None = None) -> Fit:
    """Return the fit that :func:`to_datatree` made a DataTree of.

    Parameters
    ----------
    source : where it was found, for messages.
    law : as in :func:`load_fit`.

    Raises
    ------
    FitError
        If something in it is not what a fit of this version has.
    """
    try:
        facts = json.loads(tree.attrs["bayeslaw"])
        if facts["format"] != FORMAT:
            raise FitError(
                f"'{source}' has fit format {shown(facts['format'])}; this version reads {FORMAT}. "
                "Refit from the runs, or use the version that wrote it: "
                f"{shown(facts.get('versions', {}).get('bayeslaw', 'unknown'))}."
            )
        return _rebuilt(tree, facts, law)
    except FitError:
        raise
    except (*_DAMAGE, RuntimeError, BayeslawError) as error:
        raise _incomplete(source, error) from error


def _incomplete(source: str | Path, error: Exception) -> FitError:
    return FitError(
        f"'{source}' is not a complete fit file ({type(error).__name__}: {error}). "
        "Write it again with bayeslaw fit RUNS --out."
    )


def _refuse_size(source: Path, tree: xr.DataTree) -> None:
    """Refuse what unpacks to more than memory should hold: HDF5 packs zeros into nothing."""
    size = sum(v.nbytes for node in tree.subtree for v in node.to_dataset().variables.values())
    if size > bytes_allowed(_COPIES):
        raise FitError(
            str(
                too_large(f"'{source}' unpacks to {size:,} bytes", _COPIES * size, "thin its draws")
            )
        )


def _rebuilt(tree: xr.DataTree, facts: dict[str, Any], law: Law | None) -> Fit:
    text = str(tree["runs"]["csv"].values)
    if hashlib.sha256(text.encode()).hexdigest() != facts["digest"]:
        raise ValueError("the runs inside do not match their digest")
    types = {c: t if t in _PLAIN else "str" for c, t in facts["types"].items()}
    empty = {c: [""] for c, t in types.items() if t != "str"}
    table = pd.read_csv(io.StringIO(text), dtype=types, keep_default_na=False, na_values=empty)  # type: ignore[arg-type]
    require_rules(table)  # whoever wrote the file can also have written its digest
    health = facts["health"]
    fit = Fit(
        spec=Spec.from_dict(facts["spec"] | ({} if law is None else {"law": law})),
        runs=Runs(table, str(facts["source"]), _texts(facts["notes"])),
        posterior=_dataset(tree, "posterior"),
        sample_stats=_dataset(tree, "sample_stats"),
        log_likelihood=_dataset(tree, "log_likelihood"),
        health=Health(
            tuple(Failure(Check[name], str(found)) for name, found in health["failures"]),
            _texts(health["warnings"]),
            tuple((str(name), float(value)) for name, value in health["figures"]),
        ),
        seed=int(facts["seed"]),
        engine=str(facts["engine"]),
        reason=str(facts["reason"]),
        seconds={str(k): float(v) for k, v in facts["seconds"].items()},
        versions={str(k): str(v) for k, v in facts["versions"].items()},
    )
    # What the draws refer to is read, not made again: eigenvectors of a symmetric design are not
    # unique, and another machine would choose others.
    made = fit.layout
    anchors = np.array(facts["anchors"], float)
    references = {str(k): float(v) for k, v in facts["references"].items()}
    if references.keys() != made.references.keys() or anchors.shape != made.anchors.shape:
        raise ValueError("its reference points are not those of its law and families")
    if not all(0 < v < np.inf for v in (*references.values(), *anchors)):
        raise ValueError("its reference points are not positive numbers")
    features = _features(str(tree["runs"]["features"].values))
    fit.__dict__["layout"] = replace(
        made, references=references, anchors=anchors, features=features
    )
    _require_draws(fit)
    return fit


def _require_draws(fit: Fit) -> None:
    """Require finite draws of every parameter of every family."""
    for name in fit.law.parameter_names:
        draws = fit.posterior[name].sel(family=list(fit.families))
        if not np.isfinite(draws.values).all():
            raise ValueError(f"the draws of {name} are not all finite")


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values))


def _features_text(layout: Layout) -> str:
    return json.dumps(
        [
            {"points": f.points.tolist(), "projection": f.projection.tolist(), "length": f.length}
            for f in layout.features
        ]
    )


def _features(text: str) -> tuple[Features, ...]:
    return tuple(
        Features(np.array(f["points"]), np.array(f["projection"]), f["length"])
        for f in json.loads(text)
    )


def _dataset(tree: xr.DataTree, group: str) -> xr.Dataset:
    node: Any = tree[group]
    return node.to_dataset()
