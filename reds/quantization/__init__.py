"""From a trained float net to its integer one: ranges, scales and tables, and training that sees rounding."""
