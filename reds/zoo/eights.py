"""Round units as the MobileNets do."""


def eights(units: float) -> int:
    """Return the nearest multiple of eight, at least eight and nine tenths of the units."""
    nearest = max(8, int(units + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * units else nearest
