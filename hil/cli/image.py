"""Build the file systems of the emulated Pi and Android (`hil image`)."""

import time

import click


@click.command()
def image() -> None:
    """Build the emulated Pi and Android.

    The first bench on one of them also builds the image. An image in the cache is reused. Debian packages
    are downloaded and their signatures checked. Root is not needed.
    """
    from hil import cache
    from hil.emulators import arm64_image
    from hil.lifetime.termination import termination_interrupts

    begun = time.monotonic()
    cache.sweep()
    with termination_interrupts():
        made = arm64_image.image()
    click.echo(f"{made.folder}: the emulated pi and android ({time.monotonic() - begun:.1f} s)")
