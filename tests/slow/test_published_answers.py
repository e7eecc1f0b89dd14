"""Truths about real ladders: what others measured comes out, and held-out giants are covered."""

import warnings

import numpy as np
import pytest

from bayeslaw.errors import ConvergenceWarning, ExtrapolationWarning
from bayeslaw.inference import fit
from bayeslaw.model import Checkpoints, Spec
from bayeslaw.prediction import forecast
from bayeslaw.runs.datasets import load_dataset

# Besiroglu et al. 2024, arXiv:2404.10102: estimate and bootstrap standard error.
BESIROGLU = {
    "E": (1.81686, 0.02566),
    "A": (482.01, 124.5),
    "B": (2085.43, 1293.3),
    "alpha": (0.34781, 0.01540),
    "beta": (0.36585, 0.02060),
}
# The last checkpoint of GPT-3 175B as digitised by Choshen et al. 2024, arXiv:2410.11840.
GPT3_LOSS = (1.79, 1.80)


@pytest.fixture(scope="module")
def replication(data_dir):
    """The law is the question here, so it is trusted: no discrepancy."""
    return fit(load_dataset("chinchilla_epoch_240"), Spec(discrepancy=None))


@pytest.mark.parametrize("symbol", BESIROGLU)
def test_the_posterior_mean_lies_within_a_published_standard_error(symbol, replication):
    assert replication.health.ok, str(replication.health)
    ((_, found),) = replication.parameters().items()
    estimate, error = BESIROGLU[symbol]
    assert abs(found[symbol]["mean"] - estimate) < error


def test_robust_noise_needs_no_points_dropped(data_dir):
    every = fit(load_dataset("chinchilla_epoch"), Spec(discrepancy=None))
    ((_, found),) = every.parameters().items()
    assert every.health.ok, str(every.health)
    assert 1.77 < found["E"]["median"] < 1.87
    assert 0.33 < found["beta"]["median"] < 0.42


@pytest.fixture(scope="module")
def colpret(data_dir):
    return load_dataset("colpret_clean")


def short(runs, spec, draws):
    """Fit with fewer draws than the gate asks for: enough to place an interval, not to publish."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = fit(runs, spec, draws=draws, tune=500, retry=False)
    figures = dict(fitted.health.figures)
    assert figures["R-hat"] < 1.1 and figures["misfit"] < 0.05
    return fitted


def gpt3(runs, smallest):
    """Return the other families with GPT-3's smallest models, and its largest model's last row."""
    own = runs.where("family == 'GPT3'").table
    sizes = np.sort(own["params"].unique())
    cut = f"family != 'GPT3' or params <= {sizes[smallest - 1]:.17g}"
    last = own[own["params"] == sizes[-1]].sort_values("tokens").iloc[-1]
    return runs.where(cut), last


@pytest.mark.parametrize("smallest", [3, 5])
def test_gpt3_175b_is_forecast_from_its_smallest_models(smallest, colpret):
    train, last = gpt3(colpret, smallest)
    # Final losses alone: checkpoints of a Bayesian law with informative exponents add little.
    fitted = short(train, Spec(checkpoints=Checkpoints(at_most=1)), draws=600)
    with pytest.warns(ExtrapolationWarning, match="times the largest compute"):
        found = forecast(fitted, params=last["params"], tokens=last["tokens"], family="GPT3")
    low, high = found.interval(0.9)
    assert low < GPT3_LOSS[0] and high > GPT3_LOSS[1]
    if smallest == 5:
        error = found.table["median"].iloc[0] / last["loss"] - 1
        assert abs(error) <= 0.05


def test_a_new_family_is_less_certain_the_fewer_sizes_it_has():
    runs = load_dataset("published").where("family in ('Pythia (Pile test)', "
        "'Pythia deduped (Pile test)', 'Mamba (Pile val)', 'Mamba-2 (Pile val)')")  # fmt: skip
    own = runs.where("family == 'Mamba-2 (Pile val)'").table
    sizes = np.sort(own["params"].unique())
    widths = []
    ladder = runs.where("family != 'Mamba-2 (Pile val)'")
    for kept in (5, 2, 0):
        cut = f"family != 'Mamba-2 (Pile val)' or params <= {sizes[kept - 1]:.17g}"
        train = runs.where(cut) if kept else ladder
        fitted = short(train, Spec(), draws=400)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExtrapolationWarning)  # farther for fewer sizes
            found = forecast(fitted, params=9e9, tokens=3e11, family="Mamba-2 (Pile val)")
        widths.append(np.ptp(found.interval(0.9)))
    assert np.isfinite(widths).all()
    assert widths[0] < widths[1] < widths[2]
