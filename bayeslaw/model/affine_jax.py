"""The conditional Gaussian of :mod:`bayeslaw.model.affine` for JAX, which is an extra."""

from __future__ import annotations

from typing import Any

from bayeslaw.model.affine import _Forward


def register() -> None:
    """Tell PyTensor how JAX computes it.

    Raises
    ------
    ImportError
        If JAX is not installed.
    """
    import jax  # pyright: ignore[reportMissingImports]
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
    from jax.scipy.linalg import solve_triangular  # pyright: ignore[reportMissingImports]
    from pytensor.link.jax.dispatch.basic import jax_funcify

    def forward(
        starts: Any, design: Any, aim: Any, precision: Any, moment: Any, raw: Any
    ) -> tuple[Any, Any]:
        families = raw.shape[0]
        family = jnp.searchsorted(starts, jnp.arange(design.shape[0]), side="right") - 1
        outer = design[:, :, None] * design[:, None, :]
        total = jax.ops.segment_sum(outer, family, families, indices_are_sorted=True)
        pull = jax.ops.segment_sum(design * aim[:, None], family, families, indices_are_sorted=True)
        root = jnp.linalg.cholesky(total + jax.vmap(jnp.diag)(precision))
        half = solve_triangular(root, (moment + pull)[:, :, None], lower=True)
        draw = solve_triangular(root, half + raw[:, :, None], lower=True, trans="T")
        return draw[:, :, 0], jnp.log(jnp.diagonal(root, axis1=1, axis2=2)).sum()

    @jax_funcify.register(_Forward)
    def made(op: _Forward, **kwargs: Any) -> Any:
        """Return the map as a function of JAX, which differentiates it by itself."""
        return forward
