"""Work of this context that waits for a gateway."""

from uuid import UUID

from procrastinate import Blueprint, RetryStrategy

from headless_presale.payments import reconciliation, refunds

jobs = Blueprint()

ASK_AGAIN = RetryStrategy(max_attempts=12, exponential_wait=2)


@jobs.task(name="submit_refund", retry=ASK_AGAIN)
async def submit_refund(refund_id: str) -> None:
    """Ask the gateway for a refund."""
    await refunds.submit_refund(UUID(refund_id))


@jobs.task(name="cancel_intent", retry=ASK_AGAIN)
async def cancel_intent(payment_id: str) -> None:
    """Call a payment off at its gateway."""
    await reconciliation.cancel_intent(UUID(payment_id))


@jobs.periodic(cron="* * * * * */30")
@jobs.task(name="reconcile", queueing_lock="payments:reconcile")
async def reconcile(timestamp: int) -> None:
    """Ask gateways about what they have not told us."""
    await reconciliation.reconcile_payments()
    await reconciliation.reconcile_refunds()
