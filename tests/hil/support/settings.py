"""Settings of a run, without pytest."""

from hil.options import OPTIONS, Settings

SUBNETS = ("25%", "100%")


def settings(**changed: object) -> Settings:
    """Return the default settings, except that no board is waited for, with these changes."""
    defaults = {option.name.replace("-", "_"): option.default for option in OPTIONS}
    return Settings(**{**defaults, "lease_wait": 0.0, **changed})
