"""Independent trainings of one table: one after the other, or at once in workers of a Ray cluster."""
