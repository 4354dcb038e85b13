"""Build the agents from their C sources, and store them on boards."""
