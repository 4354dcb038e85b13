"""Set the length of the fuzz tests, and the seed that makes them repeat."""

ITERATIONS = 100_000
SEED = 20_311_13349
