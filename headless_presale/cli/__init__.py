"""The ``headless-presale`` command: ``headless-presale --help`` lists what it does."""

from headless_presale.cli.garbage import uncollected

with uncollected():
    from headless_presale.cli.main import main

__all__ = ["main"]
