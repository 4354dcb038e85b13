"""Chaos itself: a short run of it, and that it finds what it looks for.

The hour-long run is `make chaos MINUTES=60`.
"""

SEED = 12
"""Seed of the short run, so that it breaks the same things each time."""
