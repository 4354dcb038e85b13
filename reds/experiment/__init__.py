"""Experiments: build a pack from a recipe, compare nesting with training alone, reproduce the paper."""
