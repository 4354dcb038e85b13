"""Judge the figures of a run against a baseline: earlier runs of the same board, pack shape and provenance.

`limits.py` beside this folder judges a run by itself. What is judged here is a change.
"""
