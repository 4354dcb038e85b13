"""The networks: one short file for each family, each with its `ENTRIES` for the table."""
