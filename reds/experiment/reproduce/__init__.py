"""Reproduce the paper's tables, with this project's results beside the paper's."""
