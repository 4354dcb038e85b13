"""Fuzz the runtime and the agent: compare them with the host's reader, or run them under sanitizers.

`python -m tests.targets.support.fuzz --help` says how to run each for long.
"""
