"""Numbers that options take."""

import math
from typing import Any

import click


class _Positive(click.FloatRange):
    """A positive number, neither infinite nor NaN, which `click.FloatRange` alone lets through."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 (click's signature)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Read the number, or say what is wrong with it."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


POSITIVE = _Positive(min=0, min_open=True)
