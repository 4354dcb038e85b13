"""Fixtures of the suite's own tests, which measure boards so that the tests only compare figures."""
