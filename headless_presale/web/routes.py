"""The addresses of the pages."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from headless_presale.web import authorize, oauth
from headless_presale.web.assets import serve_asset

ROUTES: Sequence[BaseRoute] = (
    Route("/assets/{name}", serve_asset, methods=["GET"]),
    *oauth.ROUTES,
    *authorize.ROUTES,
)
