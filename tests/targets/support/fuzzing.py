"""How long the fuzz tests run, and the seed that makes them repeat."""

ITERATIONS = 100_000
SEED = 20_311_13349
