"""Break the bench at random and check that it ends in time, tells the truth and leaves nothing behind.

`make chaos` runs it. `links` puts faults on the streams to agents, `suites` runs whole benches against them.
"""
