"""Addresses as clients need them: whole, wherever they are shown."""

from resolvers.context import RequestContext


def address_of(context: RequestContext, path: str) -> str:
    """Return the absolute address of a path of ours; one that is absolute stays as it is."""
    return context.settings.base_url + path if path.startswith("/") else path
