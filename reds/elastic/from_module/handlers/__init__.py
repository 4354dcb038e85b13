"""Handlers of torch's operations, which make steps of them; importing this package registers all."""

from reds.elastic.from_module.handlers import (
    arithmetic,
    attention,
    concatenation,
    convolutions,
    functions,
    normalization,
    padding,
    pools,
    reductions,
    refused,
    shapes,
    transformers,
    weighted,
)

__all__ = [
    "arithmetic", "attention", "concatenation", "convolutions", "functions", "normalization", "padding",
    "pools", "reductions", "refused", "shapes", "transformers", "weighted",
]  # fmt: skip
