"""`hil image`: the file systems of the emulated Pi and Android."""

import time

import click


@click.command()
def image() -> None:
    """Build the emulated Pi and Android.

    The first bench of one of them does so too; an image that is in the cache is kept. Debian packages are
    fetched and their signatures checked. No root is needed.
    """
    from hil.emulators import arm64_image

    begun = time.monotonic()
    made = arm64_image.image()
    click.echo(f"{made.folder}: the emulated pi and android ({time.monotonic() - begun:.1f} s)")
