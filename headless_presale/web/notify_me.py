"""Pages that mails of a notify-me list lead to: confirming, and unsubscribing.

Opening one changes nothing: mail programs and scanners open every link. Whoever holds the link
may do what it says; to unsubscribe takes nothing else, so that a mail program can (RFC 8058).
"""

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.campaigns import CampaignStatus, find_snapshot
from headless_presale.notify_me import (
    Waiting,
    confirm,
    find_waiting,
    is_unsubscribed,
    resubscribe,
    unsubscribe,
)
from headless_presale.shops import get_shop_by_id, shop_name
from headless_presale.web.browser import any_session, csrf_token, page, read_form, require_csrf
from headless_presale.web.rendering import page_locale

MAX_TOKEN_LENGTH = 200
GONE = 410


async def show_confirm(request: Request) -> Response:
    """Ask whether the reader of the mail wants to be told."""
    return await _confirm_page(request, await find_waiting(_token(request)), is_done=False)


async def take_confirm(request: Request) -> Response:
    """Note that he does."""
    await require_csrf(request, await any_session(request))
    return await _confirm_page(request, await confirm(_token(request)), is_done=True)


async def show_unsubscribe(request: Request) -> Response:
    """Ask whether the reader wants no more mails; if he gets none, whether he does again."""
    return await _unsubscribe_page(request)


async def take_unsubscribe(request: Request) -> Response:
    """Unsubscribe, or take that back by a form of ours."""
    form = await read_form(request)
    if form.get("again"):
        await require_csrf(request, await any_session(request))
        await resubscribe(_token(request))
        return await _unsubscribe_page(request, is_taken_back=True)
    await unsubscribe(_token(request))
    return await _unsubscribe_page(request)


async def _confirm_page(request: Request, waiting: Waiting | None, *, is_done: bool) -> Response:
    campaign = None if waiting is None else await find_snapshot(waiting.campaign_id)
    if waiting is None or campaign is None:
        return page(request, "mailed_link_gone.html", reason="notify_gone", status=GONE)
    locale, shop = page_locale(request), await get_shop_by_id(campaign.shop_id)
    texts = campaign.texts(locale, default_locale=shop.default_locale)
    session = await any_session(request)
    return page(
        request,
        "notify_me_confirm.html",
        csrf=csrf_token(request, session),
        token=_token(request),
        campaign=texts["title"],
        shop=shop_name(shop, locale),
        opens_at=waiting.opens_at,
        is_done=is_done,
        is_ahead=waiting.status is CampaignStatus.SCHEDULED,
        is_open=waiting.status is CampaignStatus.LIVE,
    )


async def _unsubscribe_page(request: Request, *, is_taken_back: bool = False) -> Response:
    has_left = await is_unsubscribed(_token(request))
    if has_left is None:
        return page(request, "mailed_link_gone.html", reason="notify_gone", status=GONE)
    session = await any_session(request)
    return page(
        request,
        "notify_me_unsubscribe.html",
        csrf=csrf_token(request, session),
        token=_token(request),
        has_left=has_left,
        is_taken_back=is_taken_back,
    )


def _token(request: Request) -> str:
    return request.query_params.get("token", "")[:MAX_TOKEN_LENGTH]
