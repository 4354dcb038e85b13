"""Show how often the gate of times errs: false alarms without a change, and slowdowns that it misses."""
