"""What payments say no with."""

from headless_presale.kernel.errors import DomainError, Reasoned


class GatewayUnknown(DomainError):
    """No gateway of this name. ``params``: gateway."""

    code = "GATEWAY_UNKNOWN"
    template = "there is no payment gateway {gateway}"


class GatewayUnavailable(DomainError):
    """The gateway does not answer; the order is kept and the payment can be started again."""

    code = "GATEWAY_UNAVAILABLE"
    template = "the payment gateway {gateway} does not answer; try again in a moment"


class PaymentNotDue(Reasoned):
    """This leg cannot be paid now."""

    code = "PAYMENT_NOT_DUE"


class IdempotencyMismatch(DomainError):
    """The key was used before, with another request. Nothing was done."""

    code = "IDEMPOTENCY_MISMATCH"
    template = "this idempotency key was used for another request"
