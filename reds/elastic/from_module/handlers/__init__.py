"""Handlers of torch's operations, which make steps of them; importing this package registers all."""

from reds.elastic.from_module.handlers import (
    arithmetic,
    attention,
    pools,
    refused,
    shapes,
    weighted,
    windows,
)

__all__ = ["arithmetic", "attention", "pools", "refused", "shapes", "weighted", "windows"]
