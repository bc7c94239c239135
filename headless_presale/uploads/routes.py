"""``/uploads/...``: the routes, and how they say no."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from headless_presale.catalog import AddProductFile, add_product_file
from headless_presale.identity import Forbidden, Scope, Unauthenticated
from headless_presale.kernel.errors import DomainError, NotFound
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.ids import global_id
from headless_presale.kernel.locales import negotiate
from headless_presale.media import AddPicture, add_picture, media_path, path_of, sizes_of
from headless_presale.settings import Settings
from headless_presale.uploads.errors import FormRefused, UploadTooLarge, UploadTooSlow
from headless_presale.uploads.reading import receive_upload

Tell = Callable[[DomainError, str], str]
"""Returns the sentence of a refusal in a language."""
Take = Callable[[Request], Awaitable[Response]]


def upload_routes(settings: Settings, tell: Tell) -> Sequence[BaseRoute]:
    """Return the routes that take files."""
    take_picture = partial(_take_picture, settings=settings)
    take_product_file = partial(_take_product_file, settings=settings)
    return (
        Route(
            "/uploads/media",
            answering(take_picture, tell),
            methods=["POST"],
            # What is read decides; this stands behind it.
            max_body_size=settings.media_max_bytes + 1_000_000,
        ),
        Route(
            "/uploads/product-files",
            answering(take_product_file, tell),
            methods=["POST"],
            max_body_size=settings.product_file_max_bytes + 1_000_000,
        ),
    )


async def _take_picture(request: Request, *, settings: Settings) -> Response:
    """Take a picture for a shop; 201 for a new one, 200 for one that the shop has already."""
    async with receive_upload(
        request, Scope.CATALOG_WRITE, most_bytes=settings.media_max_bytes
    ) as upload:
        command = AddPicture(
            shop_id=upload.shop.id, sha256=upload.sha256, bytes=upload.bytes, file=upload.file
        )
        with acting_as(upload.principal.actor(request.state.request_id)):
            added = await add_picture(command)
    asset, base = added.asset, settings.base_url
    body = {
        "id": global_id("MediaAsset", asset.id),
        "url": base + media_path(asset),
        "width": asset.width,
        "height": asset.height,
        "sizes": [
            {
                "url": base + path_of(asset.sha256, size.name),
                "width": size.width,
                "height": size.height,
                "mime": size.mime,
                "bytes": size.bytes,
            }
            for size in sizes_of(asset)
        ],
    }
    return JSONResponse({"asset": body}, status_code=201 if added.is_new else 200)


async def _take_product_file(request: Request, *, settings: Settings) -> Response:
    """Take a product file for a shop; 201 for a new one, 200 for one that the shop has already.

    ``?name=`` says what it is called; ``productImportStart`` imports it.
    """
    async with receive_upload(
        request, Scope.CATALOG_WRITE, most_bytes=settings.product_file_max_bytes
    ) as upload:
        command = AddProductFile(
            shop_id=upload.shop.id,
            name=request.query_params.get("name", ""),
            sha256=upload.sha256,
            bytes=upload.bytes,
            file=upload.file,
        )
        with acting_as(upload.principal.actor(request.state.request_id)):
            added = await add_product_file(command)
    file = added.file
    body = {"id": global_id("ProductFile", file.id), "name": file.name, "bytes": file.bytes}
    return JSONResponse({"file": body}, status_code=201 if added.is_new else 200)


def answering(take: Take, tell: Tell) -> Take:
    """Return a route's function whose refusals are answered as JSON, in the caller's language."""

    async def answer(request: Request) -> Response:
        try:
            return await take(request)
        except Unauthenticated as error:
            return _refused(401, "UNAUTHENTICATED", error.reason, {"WWW-Authenticate": "Bearer"})
        except Forbidden as error:
            headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
            return _refused(403, "FORBIDDEN", str(error), headers)
        except FormRefused:
            return _refused(415, "FORM_REFUSED", "Send the file itself as the body, not a form.")
        except UploadTooSlow:
            return _refused(408, "UPLOAD_TOO_SLOW", "The file did not arrive in time.")
        except ClientDisconnect:
            return _refused(400, "INCOMPLETE", "The file did not arrive whole.")
        except DomainError as error:
            message = tell(error, negotiate(request.headers.get("accept-language", "")))
            return _refused(_status_of(error), error.code, message)

    return answer


def _status_of(error: DomainError) -> int:
    if isinstance(error, UploadTooLarge):
        return 413
    return 404 if isinstance(error, NotFound) else 422


def _refused(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(
        {"error": {"code": code, "message": message}},
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
