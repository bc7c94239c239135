"""What webhooks say no with."""

from headless_presale.kernel.errors import NotFound


class WebhookEndpointNotFound(NotFound):
    """No such endpoint of this merchant, or one of other shops than the caller's."""

    code = "WEBHOOK_ENDPOINT_NOT_FOUND"
    template = "there is no such webhook endpoint"


class WebhookDeliveryNotFound(NotFound):
    """No such delivery to an endpoint of this merchant."""

    code = "WEBHOOK_DELIVERY_NOT_FOUND"
    template = "there is no such webhook delivery"
