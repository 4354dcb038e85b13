"""Joint training of all subnets: trainer, losses, rounding-aware epochs, checkpoints, progress, options."""
