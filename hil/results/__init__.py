"""Judge samples, and keep measurements."""
