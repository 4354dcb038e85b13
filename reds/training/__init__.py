"""Train all subnets together: the trainer, rounding-aware epochs, checkpoints, progress and options."""
