"""Scoring rules agree with their formulas."""

import numpy as np
import pytest
from scipy.stats import norm

from bayeslaw.scoring import crps, energy_score, interval_score, log_score, pit, z_score


def test_crps_is_never_negative_and_is_the_distance_for_agreeing_draws(rng):
    draws = np.exp(0.05 * rng.standard_normal((40, 200)))
    assert (crps(draws, np.exp(0.05 * rng.standard_normal(40))) > 0).all()
    assert crps(np.full((1, 50), 2.2), np.array([2.0])) == pytest.approx([0.1])


def test_crps_of_normal_draws_is_the_closed_form(rng):
    z, sd = 0.7, 0.02
    expected = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - np.pi**-0.5)
    draws = 3 * (1 - z * sd + sd * rng.standard_normal((1, 200_000)))
    assert crps(draws, np.array([3.0])) == pytest.approx([expected], rel=0.01)


def test_scores_are_relative_so_the_unit_of_loss_does_not_matter(rng):
    draws = 2 + 0.1 * rng.standard_normal((1, 500))
    for rule in (crps, log_score, interval_score, pit):
        assert rule(10 * draws, np.array([21.0])) == pytest.approx(rule(draws, np.array([2.1])))


def test_log_score_is_finite_far_outside_the_draws_and_grows(rng):
    draws = np.exp(0.01 * rng.standard_normal((1, 400)))
    near, far = log_score(draws, np.array([1.01])), log_score(draws, np.array([3.0]))
    assert np.isfinite(far).all() and far > near


def test_the_interval_score_charges_two_over_alpha_for_a_miss():
    draws = np.linspace(0.9, 1.1, 201)[None]
    inside, outside = interval_score(draws, np.ones(1)), interval_score(draws * 1.2, np.ones(1))
    assert inside == pytest.approx([0.18])
    assert outside == pytest.approx([0.216 + 20 * (1.2 * 0.91 - 1)])


def test_pit_of_right_forecasts_is_uniform(rng):
    draws = rng.standard_normal((2000, 99))
    values = pit(draws, rng.standard_normal(2000))
    assert np.abs(np.quantile(values, [0.25, 0.5, 0.75]) - [0.25, 0.5, 0.75]).max() < 0.04


def test_the_energy_score_of_one_loss_is_its_crps(rng):
    draws = np.exp(0.05 * rng.standard_normal((1, 100_000)))
    assert energy_score(draws, np.array([1.02])) == pytest.approx(
        crps(draws, np.array([1.02]))[0], rel=0.02
    )


def test_the_energy_score_prefers_the_right_dependence(rng):
    worlds = 1 + 0.02 * rng.standard_normal((200, 1)) * np.ones(3)  # the losses move as one
    together = 1 + 0.02 * rng.standard_normal((1, 4000)) * np.ones((3, 1))
    apart = 1 + 0.02 * rng.standard_normal((3, 4000))
    right, wrong = (
        np.mean([energy_score(draws, world) for world in worlds]) for draws in (together, apart)
    )
    assert right < wrong


def test_z_is_zero_at_the_middle_and_counts_standard_deviations(rng):
    draws = np.exp(0.03 * rng.standard_normal((2, 200_000)))
    assert z_score(draws, np.exp([0.0, 0.06])) == pytest.approx([0, 2], abs=0.02)
