"""The framed protocol, and the transports that carry it."""
