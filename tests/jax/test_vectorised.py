"""The engine on JAX has the density of the graph, and its draws those of the other engines."""

from typing import Any

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from bayeslaw.inference import fit
from bayeslaw.model import Checkpoints, Discrepancy, Spec
from bayeslaw.model.affine_jax import register
from bayeslaw.model.build import build_model
from bayeslaw.model.layout import lay_out
from tests.inference.ladders import ladder
from tests.posteriors.cases import CASES
from tests.posteriors.comparison import gaps

MODE: Any = Mode("py", None)  # type: ignore[arg-type] - evaluated once or twice
# What JAX and numpyro warn of themselves, and that no user can change.
pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:.*:FutureWarning")


@pytest.fixture(scope="module")
def on_jax():
    """Return what makes a density of JAX; its first import leaves traces, which is not a test's."""
    import jax
    from pymc.sampling.jax import get_jaxified_logp

    register()
    return lambda model: jax.jit(jax.value_and_grad(get_jaxified_logp(model)))


def test_the_density_on_jax_is_that_of_the_graph(on_jax, rng):
    spec = Spec(discrepancy=Discrepancy(rank=2), checkpoints=Checkpoints(at_most=3))
    model = build_model(spec, lay_out(spec, ladder(checkpoints=6)))
    expected, slope = model.compile_logp(mode=MODE), model.compile_dlogp(mode=MODE)
    found = on_jax(model)
    start = model.initial_point(random_seed=2)
    names = [v.name for v in model.value_vars]
    for _ in range(3):
        point = {n: start[n] + 0.3 * rng.standard_normal(np.shape(start[n])) for n in names}
        value, gradient = found([point[n] for n in names])
        assert value.dtype == np.float64
        assert float(value) == pytest.approx(float(expected(point)), rel=1e-10)
        flat = np.concatenate([np.ravel(g) for g in gradient])
        np.testing.assert_allclose(flat, slope(point), rtol=1e-6, atol=1e-6)


def test_chains_on_jax_have_the_posterior_of_the_reference(on_jax):
    case = CASES["trusted"]
    made = fit(
        case.runs, case.spec, seed=1, engine="jax", draws=500, tune=300, chains=4, retry=False
    )
    assert made.engine == "jax" and made.posterior.sizes["chain"] == 4
    for label, gap in gaps(made, "trusted").items():
        # Several hundred effective draws: four standard errors of a mean and of an s.d.
        assert abs(gap.apart) < 0.2 and 0.86 < gap.ratio < 1.16, (label, gap)
