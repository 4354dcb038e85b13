"""Run nets drawn at random on every family of kernels: equal outputs, and no layer far dearer than others."""
