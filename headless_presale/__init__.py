"""Headless Presale: a headless commerce API for selling before stock exists."""

__version__ = "0.1.0"
