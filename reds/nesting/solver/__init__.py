"""An exact solver for one width a unit group: the most gain whose costs stay within their limits."""
