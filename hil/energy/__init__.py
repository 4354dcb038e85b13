"""Measure what an inference draws from a board's supply: meters, their captures, and the figures."""
