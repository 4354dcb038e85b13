"""Chaos itself: a short run of it, and that it finds what it looks for.

The hour-long run is `make chaos MINUTES=60`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos import links, remains
from tests.chaos.faults import BYTES, FRAMES, NONE, Fault
from tests.chaos.isolation import Broken, descendants, isolated
from tests.chaos.run import one, seeds

SEED = 12
"""Seed of the short run, so that it breaks the same things each time."""
