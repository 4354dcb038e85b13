"""Run the bench under pytest-xdist: different boards at once, each board on one worker."""
