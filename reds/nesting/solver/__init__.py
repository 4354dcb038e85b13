"""Find one width for each unit group: the largest gain whose costs stay within their limits, with proof.

- `problem` states gains, costs and limits as tables over the widths of a few groups.
- `stages` puts the groups in an order in which dynamic programming takes the smallest tables.
- `dual` bounds the gain by prices on the costs, and `partials` searches for a choice that reaches the bound.
- `exact` combines both. `coupled` takes problems whose tables are too large: `narrow` drops widths that
  cannot win, and CP-SAT solves the rest as `linear` states it.
- `solve` takes the first of these ways that a problem allows, and `joint` solves all nested subnets at once.
"""
