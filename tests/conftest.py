"""Settings of the whole run: no test asserts the time of an example, and imports are no garbage."""

import gc

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Exempt the libraries' objects from garbage collection: a pytester test collects in full five times."""
    gc.collect()
    gc.freeze()
