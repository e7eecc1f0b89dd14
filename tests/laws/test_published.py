"""Published constants, put into the declared laws, give the published losses."""

import numpy as np
import pytest

import bayeslaw as bl

# Hoffmann et al. 2022 as printed, as in their source, and refitted by Besiroglu et al. 2024.
PRINTED = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
UNROUNDED = {
    "E": np.exp(0.5267228),
    "A": np.exp(6.0073404),
    "B": np.exp(6.0179186),
    "alpha": 0.33917084,
    "beta": 0.2849083,
}
REFITTED = {"E": 1.81686, "A": 482.01, "B": 2085.43, "alpha": 0.34781, "beta": 0.36585}

# Kaplan et al. 2020, the joint fit in size and data.
KAPLAN = {"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103}

# Brown et al. 2020: L = 2.57 C^-0.048 with C in PF-days, against losses read off their figure.
PF_DAY = 8.64e19
GPT3_PF_DAYS = np.array([2.60, 7.42, 15.8, 27.5, 55.2, 139, 268, 3640])
GPT3_LOSSES = np.array([2.744, 2.461, 2.320, 2.241, 2.120, 2.031, 1.962, 1.792])
GPT3_ERRORS = np.array([-10.6, -5.2, -3.0, -2.2, 0.0, -0.1, 0.1, -3.3])


def loss(name, published, **raw):
    """The loss of a law with published constants at raw inputs."""
    law = bl.get_law(name)
    return law(raw, law.from_published(dict.fromkeys(raw, 1.0), **published))


@pytest.mark.parametrize(("constants", "expected"), [(PRINTED, 1.937), (REFITTED, 1.973)])
def test_chinchilla_at_70b_and_1_4t(constants, expected):
    assert loss("chinchilla", constants, params=70e9, tokens=1.4e12) == pytest.approx(
        expected, abs=5e-4
    )


def test_rounding_the_chinchilla_exponents_moves_the_loss():
    at = {"params": 70e9, "tokens": 1.4e12}
    assert loss("chinchilla", UNROUNDED, **at) < loss("chinchilla", PRINTED, **at) - 0.005


@pytest.mark.parametrize("references", [(1.0, 1.0), (1e9, 2e10), (70e9, 1.4e12)])
def test_the_reference_point_does_not_change_a_published_law(references):
    law = bl.get_law("chinchilla")
    at = dict(zip(law.input_names, references, strict=True))
    inputs = {"params": 70e9 / at["params"], "tokens": 1.4e12 / at["tokens"]}
    found = law(inputs, law.from_published(at, **PRINTED))
    assert found == pytest.approx(loss("chinchilla", PRINTED, params=70e9, tokens=1.4e12))


def test_the_refit_describes_the_recovered_points_and_the_printed_constants_do_not(
    data_dir, monkeypatch
):
    monkeypatch.setenv("BAYESLAW_DATA_DIR", str(data_dir))
    table = bl.load_dataset("chinchilla_epoch_240").table
    at = {"params": table["params"].to_numpy(), "tokens": table["tokens"].to_numpy()}
    observed = np.log(table["loss"].to_numpy())
    refitted = observed - np.log(loss("chinchilla", REFITTED, **at))
    printed = observed - np.log(loss("chinchilla", PRINTED, **at))
    assert abs(np.mean(refitted)) < 0.001
    assert np.std(refitted) == pytest.approx(0.0075, abs=3e-4)
    assert np.mean(printed) == pytest.approx(-0.0167, abs=3e-4)


@pytest.mark.parametrize("size", [1e6, 1.5e9])
def test_kaplan_with_endless_data_is_the_law_in_size(size):
    expected = (KAPLAN["N_c"] / size) ** KAPLAN["alpha_N"]
    assert loss("kaplan", KAPLAN, params=size, tokens=1e30) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("data", [2e7, 2.3e10])
def test_kaplan_with_an_endless_model_is_the_law_in_data(data):
    expected = (KAPLAN["D_c"] / data) ** KAPLAN["alpha_D"]
    assert loss("kaplan", KAPLAN, params=1e40, tokens=data) == pytest.approx(expected, rel=1e-6)


def test_kaplan_joint_law_at_its_largest_run():
    # Written out from the paper's equation 1.5, not through the declared parameters.
    n, d = 1.5e9, 2.3e10
    size = (6.4e13 / n) ** (0.076 / 0.103)
    expected = (size + 1.8e13 / d) ** 0.103
    assert loss("kaplan", KAPLAN, params=n, tokens=d) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1e7, 1e8, 1e9])
def test_kaplan_rule_for_enough_data_costs_two_percent(size):
    # Equation 4.4: 5e3 N^0.74 tokens keep the loss within about .02 of endless data.
    rule = {"params": size, "tokens": 5e3 * size**0.74}
    excess = loss("kaplan", KAPLAN, **rule) / loss("kaplan", KAPLAN, params=size, tokens=1e30) - 1
    assert excess == pytest.approx(0.02, abs=0.003)


def test_gpt3_law_misses_its_own_models_by_the_known_amounts():
    constants = {"E": 0.0, "C": 2.57 * PF_DAY**0.048, "gamma": 0.048}
    predicted = loss("power_flops", constants, flops=GPT3_PF_DAYS * PF_DAY)
    np.testing.assert_allclose(100 * (predicted / GPT3_LOSSES - 1), GPT3_ERRORS, atol=0.1)
