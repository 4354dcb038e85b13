"""Set the length of the fuzz tests, and the seed that makes them repeat."""

ITERATIONS = 25_000
SEED = 20_311_13349
