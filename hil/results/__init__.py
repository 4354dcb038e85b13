"""Samples, what they prove, and where they are kept."""
