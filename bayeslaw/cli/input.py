"""What the flags stand for: runs, a specification, targets, and the fit they lead to."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bayeslaw.cli.options import Common, Model, Sampling, Source, Table
from bayeslaw.cli.output import require_folder, screen

if TYPE_CHECKING:
    from bayeslaw.inference import Fit
    from bayeslaw.model import Spec
    from bayeslaw.pool import Pool
    from bayeslaw.prediction import Average
    from bayeslaw.runs import Runs

FIT_SUFFIX = ".nc"
GENERIC = "generic"


def read_runs(path: Path, table: Table) -> "Runs":
    """Load a table of runs as the flags say."""
    from bayeslaw.runs import load_runs

    options: dict[str, Any] = {
        "rename": renamed(table.columns or []),
        "loss_unit": table.loss_unit,
        "bytes_per_token": table.bytes_per_token,
    }
    return load_runs(path, **{name: value for name, value in options.items() if value is not None})


def renamed(flags: list[str]) -> dict[str, str]:
    """Read ``--map loss=val_loss,params=N``, which may repeat."""
    rename: dict[str, str] = {}
    for pair in ",".join(flags).split(",") if flags else []:
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not (name and equals and column):
            raise typer.BadParameter(
                f"{pair!r} is no pair; expected name=column, such as loss=val_loss,params=N.",
                param_hint="--map",
            )
        if name in rename:
            raise typer.BadParameter(f"{name!r} is mapped twice; map it once.", param_hint="--map")
        rename[name] = column
    return rename


def specify(model: Model, base: "Spec | None" = None) -> "Spec":
    """Return the specification the flags ask for; what they leave out stays as in the base."""
    from bayeslaw.model import Discrepancy, Inflated, Spec

    changes: dict[str, Any] = {} if model.pool is None else {"pool": model.pool}
    if model.law is not None:
        first, *also = (name.strip() for name in model.law.split(","))
        changes |= {"law": first, "also": tuple(also)}
    if model.discrepancy is not None:
        kinds = {"gp": Discrepancy(), "inflated": Inflated(), "none": None}
        changes["discrepancy"] = kinds[model.discrepancy]
    spec = replace(base or Spec(), **changes)
    return spec if model.priors is None else _believing(spec, model.priors)


def _believing(spec: "Spec", source: str) -> "Spec":
    """Put priors in force: learned ones, or plain intervals by parameter."""
    from bayeslaw.model.priors import Priors, load_priors, shipped_priors

    if source in shipped_priors():
        learned = load_priors(source)
        # Of other laws nothing was learned: what they declare is generic.
        known = source != GENERIC or learned.law in [law.name for law in spec.laws]
        return spec.with_priors(learned) if known else spec
    given = _json_object(Path(source))
    if "format" in given:
        return spec.with_priors(Priors.from_dict(given))
    return replace(spec, priors=_intervals(Path(source), given))


def _json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object whose keys occur once."""
    from bayeslaw.runs.limits import read_document

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key occurs twice")
        return dict(pairs)

    try:
        # Whole numbers too as floats: a thousand digits become infinite, and are refused as that.
        given = json.loads(read_document(path), object_pairs_hook=once, parse_int=float)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise typer.BadParameter(
            f"{str(path)!r} cannot be read ({reason}); expected {GENERIC!r} or a JSON file such "
            'as {"alpha": [0.2, 0.4]}.',
            param_hint="--priors",
        ) from None
    if not isinstance(given, dict):
        raise typer.BadParameter(
            f'{path.name} holds no JSON object; expected {{"alpha": [0.2, 0.4]}}.',
            param_hint="--priors",
        )
    return given


def _intervals(path: Path, given: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Read 90 % intervals by parameter."""
    for name, interval in given.items():
        if not (
            isinstance(interval, list)
            and len(interval) == 2
            and all(isinstance(end, float) for end in interval)
        ):
            raise typer.BadParameter(
                f"{path.name}: {name!r} is {str(interval)[:60]!r}; expected two numbers "
                "[low, high], the ends of a 90 % interval.",
                param_hint="--priors",
            )
    return {name: (low, high) for name, (low, high) in given.items()}


def fit_runs(runs: "Runs", spec: "Spec", options: dict[str, Any], common: Common) -> "Fit":
    """Fit, with a word on stderr about what takes so long."""
    from bayeslaw.inference import fit

    return _told(fit, runs, spec, options, common)


def average_runs(runs: "Runs", spec: "Spec", options: dict[str, Any], common: Common) -> "Average":
    """Fit each of several laws and weigh them, with a word on stderr."""
    from bayeslaw.scoring import average

    return _told(average, runs, spec, options, common)


def _told(
    fit: Callable[..., Any], runs: "Runs", spec: "Spec", options: dict[str, Any], common: Common
) -> Any:
    aside = screen(common, stderr=True)
    aside.print(
        f"fitting {spec.label} to {runs.source}: {len(runs)} rows, {len(runs.families)} families "
        "(compiles for some seconds, then samples)",
        soft_wrap=True,
    )
    return fit(
        runs,
        spec,
        seed=common.seed,
        progress=aside.is_terminal and not common.quiet,
        **options,
    )


def sampling_options(sampling: Sampling) -> dict[str, Any]:
    """Return what was asked about sampling under the library's names."""
    options: dict[str, Any] = {
        "engine": sampling.engine,
        "draws": sampling.draws,
        "tune": sampling.tune,
        "chains": sampling.chains,
        "cores": sampling.jobs,
    }
    options = {name: value for name, value in options.items() if value is not None}
    if any(v is not None for v in (sampling.jobs, sampling.cluster, sampling.resume)):
        options["pool"] = pool_of(sampling.jobs, sampling.cluster, sampling.resume)
    return options


def pool_of(jobs: int | None, cluster: str | None, resume: Path | None) -> "Pool":
    """Return where work is to be done; a folder that cannot be one is refused first."""
    from bayeslaw.pool import Pool

    if resume is not None:
        require_folder(resume, "--resume")
    return Pool(jobs or 1, cluster, resume)


def fit_or_load(
    source: Path, table: Source, model: Model, sampling: Sampling, common: Common
) -> "Fit":
    """Load a stored fit, or fit a table of runs; the suffix tells which it is."""
    if source.suffix != FIT_SUFFIX:
        if table.made_from is not None:
            raise typer.BadParameter(
                f"{source.name} is no fit but a table; leave --made-from out, or give a fit.",
                param_hint="--made-from",
            )
        spec = specify(model)  # before the table: it may be large
        return fit_runs(read_runs(source, table), spec, sampling_options(sampling), common)
    from bayeslaw.inference import load_fit

    # The engine and where it works do not change a posterior; anything else would.
    harmless = ("--engine", "--jobs", "--cluster", "--resume")
    idle = [f for f in _given(sampling) if f not in harmless]
    if table.made_from is None:
        idle = _given(table) + idle
    if idle:
        raise typer.BadParameter(
            f"{source.name} is already fitted, so {', '.join(idle)} can have no effect; leave it "
            "out, or give the table of runs."
        )
    fit = load_fit(source)
    if table.made_from is not None:
        _require_same(fit, read_runs(table.made_from, table), source, table.made_from)
    if specify(model, fit.spec) != fit.spec:
        raise typer.BadParameter(
            f"{source.name} was fitted with another model than {', '.join(_given(model))} asks "
            "for; leave it out, or give the table of runs."
        )
    return fit


def _require_same(fit: "Fit", runs: "Runs", source: Path, made_from: Path) -> None:
    """Refuse a fit of other runs than those of a table."""
    if fit.runs.digest != runs.digest:
        raise typer.BadParameter(
            f"{source.name} was fitted to other runs ({len(fit.runs)} rows, SHA-256 "
            f"{fit.runs.digest[:12]}) than {made_from.name} holds now ({len(runs)} rows, "
            f"{runs.digest[:12]}). Fit the table again, or leave --made-from out.",
            param_hint="--made-from",
        )


def _given(group: Table | Model | Sampling) -> list[str]:
    """Return the flags of a group that were given."""
    flags = {"columns": "map"}
    return [
        f"--{flags.get(f.name, f.name).replace('_', '-')}"
        for f in fields(group)
        if getattr(group, f.name)
    ]
