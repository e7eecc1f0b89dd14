"""A matplotlib figure that notebooks show, though pyplot has never heard of it."""

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure that belongs to nobody but its caller."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png")
        return out.getvalue()
