"""Start Ray on this machine, or reach a Ray cluster, and leave nothing of it running."""

import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from reds.errors import ClusterError
from reds.text import printable


@dataclass(frozen=True)
class RayCluster:
    """Hold a connection to Ray, and what one training takes of its machines."""

    ray: Any
    """The module; it has no types that mypy could use."""
    cpus: int
    gpus: float


@contextmanager
def ray_cluster(workers: int | str, threads: int) -> Iterator[RayCluster]:
    """Use Ray inside a with block; what was started here ends with the block, or with this process.

    A local Ray listens on 127.0.0.1 alone, and answers only who knows its token. Nothing is reported to the
    makers of Ray.

    Args:
        workers: Trainings at once on this machine; or `ray` for the cluster that this machine is part of, or
            its address `ray://HOST:PORT`.
        threads: Threads of torch of each training.

    Raises:
        ClusterError: Ray cannot be started or reached.
        ModuleNotFoundError: Ray is not installed.
    """
    local = isinstance(workers, int)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 starves a training on a busy machine
    if local:  # read when ray is imported, and by the programs that it starts
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # "no cluster": Ray binds to 127.0.0.1
    import ray

    before = signal.getsignal(signal.SIGTERM)
    with ExitStack() as until_done:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if isinstance(workers, int):
            folder = until_done.enter_context(TemporaryDirectory(prefix="reds-", ignore_cleanup_errors=True))
            quiet |= {"num_cpus": workers * threads, "include_dashboard": False, "_temp_dir": folder}
            address = "local"
        else:
            address = "auto" if workers == "ray" else workers
        until_done.callback(ray.shutdown)
        try:
            ray.init(address=address, **quiet)
        except Exception as error:  # Ray raises errors of many kinds
            problem = f"Ray {'does not start' if local else 'does not answer'} ({printable(str(error))})"
            raise ClusterError(
                f"--workers {workers}: {problem}: start a cluster with `ray start --head`, or give a number"
                " of workers"
            ) from error
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = float(resources.get("GPU", 0))
        each = gpus / workers if isinstance(workers, int) else min(gpus, 1.0)
        # Ray's own handler ends this process at once, with its workers and its folder still there.
        signal.signal(signal.SIGTERM, _end)
        until_done.callback(signal.signal, signal.SIGTERM, before)
        yield RayCluster(ray, threads, each)


def _end(*_: object) -> None:
    """End this process in order."""
    sys.exit(128 + signal.SIGTERM)
