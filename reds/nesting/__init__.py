"""Choose nested subnets: score units, count costs, solve the knapsack under budgets, permute."""
