"""Examples of hypothesis take as long as a loaded machine needs: no test asserts times."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
