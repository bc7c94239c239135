"""Starting a payment of an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.idempotency import check_key
from headless_presale.orders import StartPayment, start_payment
from headless_presale.payments import GatewayUnknown, Payment, PaymentLeg, PaymentStatus
from resolvers.context import RequestContext
from resolvers.errors import Answer
from resolvers.mutations import mutate
from resolvers.order_access import actor_by, require_access

MAX_RETURN_URL_LENGTH = 2_048
MAX_GATEWAY_LENGTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWish:
    """A payment as a client sent it."""

    order_id: str
    token: str | None
    leg: PaymentLeg
    gateway: str
    return_url: str | None
    idempotency_key: str


async def start(context: RequestContext, wish: PaymentWish) -> Answer[Payment]:
    """Open the payment of a leg; repeating a request under its key returns the same payment."""
    return await mutate(context, _start(context, wish))


async def _start(context: RequestContext, wish: PaymentWish) -> Payment:
    order = await require_access(context, wish.order_id, wish.token)
    check_key(wish.idempotency_key)
    if wish.return_url is not None:
        check_return_url(wish.return_url)
    if len(wish.gateway) > MAX_GATEWAY_LENGTH:
        raise GatewayUnknown(gateway=wish.gateway[:MAX_GATEWAY_LENGTH], field=("gateway",))
    with acting_as(actor_by(context, order.access)):
        payment = await start_payment(
            StartPayment(
                order_id=order.order_id,
                leg=wish.leg,
                gateway=wish.gateway,
                return_url=wish.return_url,
                idempotency_key=wish.idempotency_key,
                access=order.access,
            )
        )
    # A payment that was just opened has no refunds; a repeated one may.
    await payment.fetch_related("refunds")
    return payment


def check_return_url(url: str) -> None:
    """Raise InvalidInput unless the gateway can send a buyer back to this address."""
    field = ("returnUrl",)
    if len(url) > MAX_RETURN_URL_LENGTH:
        raise InvalidInput(
            reason="must not be longer than {longest} characters",
            longest=MAX_RETURN_URL_LENGTH,
            field=field,
        )
    if any(c.isspace() or not c.isprintable() for c in url):
        raise InvalidInput(reason="must not contain spaces or control characters", field=field)
    if not _is_web_address(url):
        raise InvalidInput(
            reason="must be an absolute http or https address without a user name", field=field
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading the port is what checks it.
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = parts.username is None and "\\" not in url
    return is_whole and is_plain and parts.scheme in ("http", "https")


@dataclass(frozen=True, slots=True)
class ClientAction:
    """What the buyer's client does next."""

    type: str
    url: str | None


def action_of(payment: Payment) -> ClientAction | None:
    """Return what lets the buyer pay; None where there is nothing to pay or no gateway yet."""
    action: Mapping[str, str | None] = payment.client_action or {}
    kind = action.get("type")
    if payment.status is not PaymentStatus.PENDING or kind is None:
        return None
    return ClientAction(kind, action.get("url"))
