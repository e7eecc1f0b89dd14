"""What many families say together, where each says little."""

import numpy as np
import pytest

from bayeslaw.inference.quadrature.ladder import Belief
from bayeslaw.inference.quadrature.select import messages

POINTS = 400


def told(precision, n, seed):
    """Return what points tell of families that scatter, and the exact messages.

    Families scatter by one around a half; each one's rows know its values to these
    precisions, and its posterior under a standard normal is seen through so many points.
    """
    rng = np.random.default_rng(seed)
    size = len(precision)
    basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
    own = (basis * precision) @ basis.T
    found, moments = [], []
    for _ in range(n):
        truth = 0.5 + rng.standard_normal(size)
        moment = own @ truth + basis @ (np.sqrt(precision) * rng.standard_normal(size))
        covariance = np.linalg.inv(own + np.eye(size))
        points = rng.multivariate_normal(covariance @ moment, covariance, POINTS)
        found.append((points.mean(0), np.cov(points.T, ddof=0)))
        moments.append(moment)
    belief = Belief(np.zeros(size), np.ones(size))
    return messages(found, np.full(n, float(POINTS)), [belief] * n), own, np.array(moments)


@pytest.mark.parametrize("n", [30, 1000])
@pytest.mark.parametrize("weakest", [0.02, 0.2, 5.0])
def test_families_together_say_what_their_rows_say(n, weakest):
    (precision, moment), own, _ = told(np.array([weakest, 0.4, 3.0, 30.0]), n, 1)
    whole, chance = np.linalg.eigvalsh(precision.mean(0)), np.sqrt(4 / POINTS / n)
    np.testing.assert_allclose(whole, np.linalg.eigvalsh(own), rtol=0.2, atol=chance)
    centre = np.linalg.solve(precision.sum(0), moment.sum(0))
    sd = np.sqrt(np.diag(np.linalg.inv(n * own) + np.eye(4) / n))
    assert np.abs((centre - 0.5) / sd).max() < 4.0


def slope(precision, moment, spread):
    """Return the gain in log evidence for a spread against that for none, around a half."""
    size = moment.shape[1]
    centred = moment - 0.5 * precision.sum(-1)
    wider = np.eye(size) + spread**2 * precision
    gain = np.einsum("fi,fij,fj->", centred, np.linalg.inv(wider), centred) * spread**2
    return 0.5 * (gain - np.linalg.slogdet(wider)[1].sum())


@pytest.mark.parametrize("weakest", [0.0, 0.02, 0.2])
def test_a_thousand_quiet_families_do_not_drive_the_spread_to_infinity(weakest):
    precision = np.array([weakest, 0.4, 3.0, 30.0])
    (heard, moment), own, exact = told(precision, 1000, 2)
    spreads = np.array([0.5, 1.0, 2.0, 10.0, 100.0])
    found = [slope(heard, moment, s) for s in spreads]
    known = [slope(np.broadcast_to(own, (1000, 4, 4)), exact, s) for s in spreads]
    assert spreads[np.argmax(found)] == spreads[np.argmax(known)] == 1.0
