"""Choose nested subnets: score units, count costs, solve the knapsack under budgets, permute.

- `importance` scores the units of a trained full network.
- `cost` counts MACs, flash, arena and latency at every width.
- `budgets` turns budgets into limits, and `solver` finds the best widths within them.
- `select` does both for all subnets, and `permute` puts the most important units first.
"""
