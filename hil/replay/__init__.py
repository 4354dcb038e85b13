"""Replay a trace of resources: a model drives capacitor, harvester and deadlines, the board does the rest.

`trace.py` holds resources over time; `trace_file.py` and `generators.py` make one, `source.py` chooses.
`model.py` is the device's supply, `scenario.py` its settings. `run.py` asks the board for every decision and
every inference, `optimum.py` finds the best choices of one who knows the whole trace, and `score.py`
compares.
"""
