"""From a recipe to a pack and its card; comparisons with training alone and with the paper."""
