"""Bench boards of a lab: places that a coordinator of labgrid lends, one run at a time."""
