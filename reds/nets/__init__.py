"""The networks, one file each, built on `reds.chain`."""
