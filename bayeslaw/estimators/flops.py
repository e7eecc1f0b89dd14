"""Training compute of a transformer: exact counts, and the conventions papers used instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder-only transformer.

    Attributes
    ----------
    depth, width : layers and residual width.
    vocab : entries of the vocabulary.
    context : tokens per sequence.
    widening : width of the feed-forward layer over the residual width.
    """

    depth: int
    width: int
    vocab: int
    context: int = 2048
    widening: float = 4.0

    @property
    def body(self) -> float:
        """Weights of all layers, without embeddings, biases and norms: 12 x depth x width^2."""
        return self.depth * self.width**2 * (4 + 2 * self.widening)

    @property
    def head(self) -> float:
        """Weights of the last layer, from the residual stream to the vocabulary."""
        return float(self.vocab * self.width)


CONVENTIONS = ("kaplan", "standard", "attention")


def flops_per_token(shape: Shape, convention: str = "attention") -> float:
    """Count training FLOP per token, forward and backward.

    Parameters
    ----------
    shape : the transformer.
    convention : ``"kaplan"``: 6 N, N without embeddings and without the last layer;
        ``"standard"``: 6 N with the last layer; ``"attention"``: that plus the products of
        queries with keys and of weights with values, which grow with the context.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the convention is none of these.

    Notes
    -----
    Small models have most of their weights in the last layer. Leaving it out bends the optimal
    size against compute: this alone is .13 of the .34 between the exponents of
    arXiv:2001.08361 and arXiv:2203.15556, by arXiv:2406.19146.

    Examples
    --------
    >>> small = Shape(depth=3, width=96, vocab=50432)
    >>> [round(flops_per_token(small, c) / 6e6, 2) for c in CONVENTIONS]
    [0.33, 5.17, 5.76]
    """
    if convention not in CONVENTIONS:
        raise ValueError(
            f"unknown convention '{convention}'; expected one of {', '.join(CONVENTIONS)}."
        )
    per_token = 6 * shape.body
    if convention != "kaplan":
        per_token += 6 * shape.head
    if convention == "attention":
        per_token += 6 * shape.depth * shape.context * shape.width
    return per_token
