"""Show runs as one page of figures that opens offline (`hil report`).

`taken.py` reads runs, `figures/` makes each figure as a Vega-Lite specification with a table, `draw.py`
renders it, and `page.py` puts all of them on a page.
"""
