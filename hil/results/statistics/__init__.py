"""Summarize samples, bound what they estimate, and compare them: pure functions."""
