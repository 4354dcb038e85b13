"""Make the figures of a report, one module for each kind."""
