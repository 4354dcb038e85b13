"""The tests that `pytest hil` runs: accuracy, conformance, latency and switching, on every board selected."""
