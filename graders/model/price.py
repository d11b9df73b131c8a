"""What tokens cost: a file that the user keeps, since prices change and none that we shipped would stay right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from graders.model.tally import Usage
from rubrics import Mistakes, Model, Number, Text, parse_row, problem, read_json

BATCH_SHARE = 0.5
"""What tokens cost in a provider's batch, as a share of their price."""

_MILLION = 1_000_000


def _not_negative(price: float) -> float:
    if price < 0:
        raise problem("price", "expected 0 or more")
    return price


Dollars = Annotated[Number, AfterValidator(_not_negative), WithJsonSchema({"type": "number", "minimum": 0})]
"""An amount of USD, 0 or more."""


class Price(Model):
    """USD for a million tokens of one model.

    >>> price = Price(input=2.0, output=8.0, cached=0.5)
    >>> price.cost(Usage(input_tokens=1000, output_tokens=100, cached_tokens=800))
    0.0016
    """

    input: Dollars
    """USD for a million tokens read."""
    output: Dollars
    """USD for a million tokens written."""
    cached: Dollars | None = None
    """USD for a million tokens read from the provider's cache; by default as much as others."""

    def cost(self, usage: Usage) -> float | None:
        """USD of what was used; None where the endpoint did not count it."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        cached_price = self.input if self.cached is None else self.cached
        spent = (usage.input_tokens - cached) * self.input + cached * cached_price + usage.output_tokens * self.output
        return float(spent / _MILLION)

    def times(self, share: float) -> Price:
        """The price at a share of it.

        >>> Price(input=2.0, output=8.0).times(0.5)
        Price(input=1.0, output=4.0, cached=None)
        """
        cached = None if self.cached is None else self.cached * share
        return Price(input=self.input * share, output=self.output * share, cached=cached)


class PriceFile(Model):
    """`{"prices": {"NAME": {"input": 2.0, "output": 8.0, "cached": 0.5}}}`."""

    prices: dict[Text, Price]
    """Model name → price."""
    note: Text | None = None
    """Free words: where the prices stand, and as of when."""


def load_prices(path: Path) -> dict[str, Price]:
    """Model name → price; InputError with every mistake in the file."""
    value, faults = read_json(path)
    mistakes = Mistakes()
    mistakes.extend(faults)
    file = parse_row(PriceFile, value, mistakes, file=str(path), line=None)
    mistakes.raise_if_any()
    assert file is not None
    return file.prices
