"""Stored posteriors in the layout of posteriordb (arXiv:2407.04967): data, model, draws.

Draws are a list of chains, each a mapping from label to numbers; data and draws are zipped JSON,
all else is plain JSON. The model is a bayeslaw specification in place of Stan code.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.posteriors.cases import CASES

ROOT = Path(__file__).parent / "database"
CHAINS, DRAWS = 10, 1000
_DIGITS = 6


@dataclass(frozen=True)
class Reference:
    """Draws of one case by label, shape (chain, draw), and how they were made and judged."""

    name: str
    draws: Mapping[str, np.ndarray]
    diagnostics: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]


def write(made: Reference) -> None:
    """Store a case: its table, specification, draws and their diagnostics."""
    name, case = made.name, CASES[made.name]
    _write(f"posteriors/{name}.json", {
        "name": name, "model_name": name, "data_name": name,
        "reference_posterior_name": name, "dimensions": dict.fromkeys(made.draws, 1),
    })  # fmt: skip
    table = case.runs.table
    columns = {str(column): table[column].tolist() for column in table}
    _write(f"data/data/{name}.json.zip", {"digest": case.runs.digest, "columns": columns})
    _write(f"data/info/{name}.info.json", {
        "name": name, "title": case.title, "data_file": f"data/data/{name}.json",
        "description": " ".join((case.table.__doc__ or "").split()),
    })  # fmt: skip
    _write(f"models/info/{name}.info.json", {
        "name": name, "title": case.title,
        "model_implementations": {"bayeslaw": case.spec.to_dict()},
    })  # fmt: skip
    chains = [
        {label: _rounded(values[c]) for label, values in made.draws.items()} for c in range(CHAINS)
    ]
    place = "reference_posteriors/draws"
    _write(f"{place}/draws/{name}.json.zip", chains)
    _write(f"{place}/info/{name}.info.json", {
        "name": name,
        "inference": {
            "method": "nutpie on the PyMC graph", "method_arguments": dict(made.settings),
        },
        "diagnostics": dict(made.diagnostics),
        "versions": dict(made.versions),
    })  # fmt: skip


def stored() -> list[str]:
    """Return the names of the cases that are stored."""
    return sorted(path.stem for path in (ROOT / "posteriors").glob("*.json"))


def read_draws(name: str) -> dict[str, np.ndarray]:
    """Return the draws of a stored case by label, shape (chain, draw)."""
    chains = _read(f"reference_posteriors/draws/draws/{name}.json.zip")
    return {label: np.array([chain[label] for chain in chains]) for label in chains[0]}


def read_info(name: str) -> dict[str, Any]:
    """Return how the draws of a stored case were made and judged."""
    return _read(f"reference_posteriors/draws/info/{name}.info.json")


def read_posterior(name: str) -> dict[str, Any]:
    """Return the entry that ties data, model and draws together."""
    return _read(f"posteriors/{name}.json")


def read_model(name: str) -> dict[str, Any]:
    """Return the specification of a stored case as plain values."""
    return _read(f"models/info/{name}.info.json")["model_implementations"]["bayeslaw"]


def read_data(name: str) -> dict[str, Any]:
    """Return the stored table: its digest and its columns."""
    return _read(f"data/data/{name}.json.zip")


def _rounded(draws: np.ndarray) -> list[float]:
    return [float(f"{x:.{_DIGITS}g}") for x in draws]


def _write(place: str, content: Any) -> None:
    path = ROOT / place
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, allow_nan=False)
    if path.suffix == ".zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            # A fixed date, so that the same draws make the same file.
            archive.writestr(zipfile.ZipInfo(path.stem, (1980, 1, 1, 0, 0, 0)), text,
                             zipfile.ZIP_DEFLATED, 9)  # fmt: skip
        path.write_bytes(packed.getvalue())
    else:
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _read(place: str) -> Any:
    path = ROOT / place
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(path.stem))
    return json.loads(path.read_text(encoding="utf-8"))
