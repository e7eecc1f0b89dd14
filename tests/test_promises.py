"""Promises about the package as a whole: its floors, its surface, its size and its manners."""

import ast
import inspect
import re
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import bayeslaw

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bayeslaw"
MODULES = sorted(PACKAGE.rglob("*.py"))

PUBLIC = [
    "Allocation",
    "Average",
    "BayeslawError",
    "BayeslawWarning",
    "Calibration",
    "CalibrationCard",
    "Checkpoints",
    "Comparison",
    "ConvergenceWarning",
    "DataError",
    "Decision",
    "Discrepancy",
    "ExtrapolationWarning",
    "Fit",
    "FitError",
    "Forecast",
    "Inflated",
    "LawError",
    "Noise",
    "Outliers",
    "Plan",
    "Priors",
    "Runs",
    "RunsError",
    "Scorecard",
    "Sensitivity",
    "Spec",
    "SpecError",
    "Target",
    "TargetError",
    "__version__",
    "add_forecasts",
    "allocate",
    "average",
    "backtest",
    "best_plan",
    "break_even",
    "calibration_card",
    "candidate_plans",
    "chance",
    "check_runs",
    "compare",
    "datasets",
    "decide",
    "fit",
    "forecast",
    "get_law",
    "identifiability",
    "laws",
    "learn_priors",
    "least_squares",
    "load_dataset",
    "load_fit",
    "load_priors",
    "load_runs",
    "load_trainer_state",
    "load_wandb",
    "outliers",
    "plots",
    "posterior_sbc",
    "prior_predictive",
    "read_ledger",
    "read_run",
    "report",
    "sbc",
    "score",
    "score_forecasts",
    "sensitivity",
    "simulate",
    "smallest_budget",
]
PACKAGES = {"laws", "plots"}
OBJECTS = [name for name in PUBLIC if name not in {*PACKAGES, "__version__"}]

#: These need a posterior, or a file that another tool wrote: more than an example may take.
NO_EXAMPLE = {
    "add_forecasts",
    "allocate",
    "backtest",
    "best_plan",
    "break_even",
    "candidate_plans",
    "chance",
    "compare",
    "decide",
    "fit",
    "forecast",
    "learn_priors",
    "load_fit",
    "load_trainer_state",
    "load_wandb",
    "posterior_sbc",
    "prior_predictive",
    "read_ledger",
    "read_run",
    "report",
    "sbc",
    "score_forecasts",
    "smallest_budget",
}

HEAVY = {"arviz_base", "numpy", "nutpie", "pandas", "pymc", "pytensor", "scipy", "xarray"}
PICKLES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}


def relative(path):
    return str(path.relative_to(ROOT))


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Floors


def test_imports_point_down_the_floors():
    run(str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-cache")


# Surface


def test_the_public_surface_is_frozen():
    assert dir(bayeslaw) == PUBLIC


@pytest.mark.parametrize("name", OBJECTS)
def test_every_public_name_resolves_to_something_of_ours(name):
    assert getattr(bayeslaw, name).__module__.startswith("bayeslaw.")


def test_the_version_is_the_installed_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", bayeslaw.__version__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'bayeslaw' has no attribute 'fitt'"):
        _ = bayeslaw.fitt


def test_type_checkers_see_the_same_surface():
    seen = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse((PACKAGE / "__init__.py").read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bayeslaw")
        for alias in node.names
    }
    lazy = {(home, name) for home, public in bayeslaw._HOMES.items() for name in public}
    assert seen == lazy | {("bayeslaw", name) for name in PACKAGES}


def test_no_module_can_hide_a_public_name():
    # Importing bayeslaw.fit, were there such a module, would bind it over the function.
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert modules.isdisjoint(OBJECTS)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, bayeslaw; dir(bayeslaw); bayeslaw.RunsError; print(*sys.modules)"
    loaded = {name.split(".")[0] for name in run(sys.executable, "-c", code).split()}
    assert loaded.isdisjoint(HEAVY)


# Documentation


def documented(text):
    """The names listed in the Parameters section of a numpydoc docstring."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+$|\Z)", text, re.M | re.S)
    listed = re.findall(r"^(\S.*)$", section[1], re.M) if section else []
    return {name.strip(" *") for line in listed for name in line.split(" :")[0].split(",")}


@pytest.mark.parametrize("name", OBJECTS)
def test_every_public_object_opens_with_one_line(name):
    lines = (getattr(bayeslaw, name).__doc__ or "").splitlines()
    assert lines and lines[0].endswith(".")
    assert len(lines) == 1 or not lines[1].strip()


@pytest.mark.parametrize("name", [n for n in OBJECTS if n.islower()])
def test_every_public_function_tells_its_parameters_and_shows_its_use(name):
    function = getattr(bayeslaw, name)
    text = inspect.getdoc(function) or ""
    assert documented(text) == set(inspect.signature(function).parameters)
    assert "Returns\n-------" in text
    assert name in NO_EXAMPLE or "Examples\n--------" in text


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_module_opens_with_one_sentence(path):
    opening, *_ = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")
    assert re.fullmatch(r"[A-Z][^\n]*\.", opening)
    assert ". " not in opening.replace(" et al. ", " ")


# Size and manners


def test_modules_are_short():
    lines = {relative(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: n for path, n in lines.items() if n > 600} == {}
    assert statistics.median(lines.values()) < 140


def test_nothing_names_the_machine_it_was_written_on():
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = [ROOT / name for name in listed.split("\0") if name]
    text = {f: f.read_text(errors="ignore") for f in files if f.is_file()}
    machine = re.compile(r"(?<![\w.])/(work|root|farm)/")
    assert [relative(f) for f in text if machine.search(text[f])] == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_module_runs_text_or_unpickles(path):
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=aliases):
                assert PICKLES.isdisjoint(alias.name.split(".")[0] for alias in aliases)
            case ast.ImportFrom(module="joblib", names=aliases):
                # Its parallel loop, but neither its load nor its dump.
                assert {alias.name for alias in aliases} <= {
                    "Parallel",
                    "delayed",
                    "parallel_config",
                }
            case ast.ImportFrom(module=str(module)):
                assert module.split(".")[0] not in PICKLES
            case ast.Call(func=ast.Name(id=name)):
                assert name not in {"eval", "exec"}
            case ast.Attribute(attr=name):
                assert name not in {"read_pickle", "to_pickle"}
            case ast.keyword(arg="allow_pickle", value=value):
                assert isinstance(value, ast.Constant) and value.value is False
