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

from bayeslaw.errors import FileError, FitError
from bayeslaw.files import whole
from bayeslaw.inference.health import Check, Failure, Health
from bayeslaw.inference.result import Fit
from bayeslaw.laws import Law
from bayeslaw.model.discrepancy import Features
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs

FORMAT = 1
# Types that CSV text gives back exactly; any other column is kept as text.
_PLAIN = ("float64", "int64", "bool")


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
            tree = opened.load()
        facts = json.loads(tree.attrs["bayeslaw"])
        if facts["format"] != FORMAT:
            raise FitError(
                f"'{source}' has fit format {facts['format']}; this version reads {FORMAT}. "
                "Refit from the runs, or use the version that wrote it: "
                f"{facts.get('versions', {}).get('bayeslaw', 'unknown')}."
            )
        return _rebuilt(tree, facts, law)
    except FitError:
        raise
    except (OSError, LookupError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise FitError(
            f"'{source}' is not a complete fit file ({type(error).__name__}: {error}). "
            "Write it again with bayeslaw fit RUNS --out."
        ) from error


def _rebuilt(tree: xr.DataTree, facts: dict[str, Any], law: Law | None) -> Fit:
    text = str(tree["runs"]["csv"].values)
    if hashlib.sha256(text.encode()).hexdigest() != facts["digest"]:
        raise ValueError("the runs inside do not match their digest")
    types = {c: t if t in _PLAIN else "str" for c, t in facts["types"].items()}
    empty = {c: [""] for c, t in types.items() if t != "str"}
    table = pd.read_csv(io.StringIO(text), dtype=types, keep_default_na=False, na_values=empty)  # type: ignore[arg-type]
    health = facts["health"]
    fit = Fit(
        spec=Spec.from_dict(facts["spec"] | ({} if law is None else {"law": law})),
        runs=Runs(table, facts["source"], tuple(facts["notes"])),
        posterior=_dataset(tree, "posterior"),
        sample_stats=_dataset(tree, "sample_stats"),
        log_likelihood=_dataset(tree, "log_likelihood"),
        health=Health(
            tuple(Failure(Check[name], found) for name, found in health["failures"]),
            tuple(health["warnings"]),
            tuple((name, value) for name, value in health["figures"]),
        ),
        seed=facts["seed"],
        engine=facts["engine"],
        reason=facts["reason"],
        seconds=facts["seconds"],
        versions=facts["versions"],
    )
    # What the draws refer to is read, not made again: eigenvectors of a symmetric design are not
    # unique, and another machine would choose others.
    made = replace(
        fit.layout,
        references=facts["references"],
        anchors=np.array(facts["anchors"]),
        features=_features(str(tree["runs"]["features"].values)),
    )
    fit.__dict__["layout"] = made
    return fit


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
