"""Measure the energy of inferences in a board's supply: meters, their captures, and the figures."""
