"""Test a pack on every selected board: accuracy, conformance, latency and switching (`pytest hil`)."""
