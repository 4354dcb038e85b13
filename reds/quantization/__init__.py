"""Quantization of a trained elastic net: activation ranges, scales, and the tables of each subnet."""
