"""Compare ways to select nested subnets, as `plan.md` decided before the first training."""
