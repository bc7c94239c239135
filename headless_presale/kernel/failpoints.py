"""Failpoints: named places between two steps, where a process can be made to die.

Whatever dies wherever, nothing may be lost, sold twice or paid twice. To prove it, tests and chaos
runs end a process at each of these places, one after the other, as ``kill -9`` would. In service
nothing is armed and a place costs one comparison.

``PRESALE_FAILPOINT=slots.reserved`` arms one for a whole process, ``slots.reserved:3`` the
third time it is reached.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

VARIABLE = "PRESALE_FAILPOINT"

FAILPOINTS: Mapping[str, str] = {
    # Every transaction
    "events.written": "the transaction's events are rows, its handlers have not heard of them",
    "events.handled": "one handler of an event has done its part",
    "jobs.deferred": "a job is written, its transaction is open",
    "jobs.one_deferred": "a job of which one may wait is written, its transaction is open",
    "jobs.many_deferred": "jobs are written, one for each of many; their transaction is open",
    "transaction.committed": "the database has committed; nobody has been told",
    "transaction.followed_up": "one of the things to do after a commit is done",
    "transaction.announced": "committed and announced; the caller has no answer",
    "audit.recorded": "a change has its entry in the log, nothing is committed",
    "slots.pool_made": "a pool is a row without slots",
    "slots.appended": "a pool has more slots than it says",
    "slots.taken_away": "a pool has fewer slots than it says",
    "slots.put_back": "slots are put back, their pool does not say so",
    "slots.counted": "a pool says how many slots it has, nothing is committed",
    # Placing
    "slots.reserved": "Redis has given out a pool's numbers; the database knows nothing",
    "orders.written": "the order and its lines are rows, without quota and slots",
    "slots.quota_taken": "the customer's quota is counted, the slots are not taken",
    "slots.claimed": "the slots are the order's, nothing is committed",
    "slots.settled": "Redis knows that the order of a reservation is committed",
    "slots.returned_unowned": "Redis has back the numbers of a reservation that no order owns",
    "slots.reservation_ended": "a reservation came to nothing and is ended in Redis",
    "slots.loaded": "Redis has a pool as the database has it",
    # Paying
    "payments.opened": "the payment is a row, its key is not",
    "payments.key_kept": "the payment and its key are rows, nothing is committed",
    "payments.intent_created": "the gateway knows the payment; we do not know the intent",
    "payments.intent_kept": "the intent is written to the payment, nothing is committed",
    "payments.notice_stored": "a gateway's event is a row, it has had no effect",
    "payments.notice_judged": "an event had its effect, nothing is committed",
    "payments.captured": "the payment counts as captured, nothing is booked",
    "payments.mismatch_kept": "money that was not asked for is noted",
    "payments.failure_noted": "a payment that failed is noted",
    "payments.cancellation_noted": "a payment that ended at the gateway ended here",
    "ledger.transaction_written": "a booking is a row without entries",
    "ledger.booked": "an amount is booked on both accounts",
    "orders.moved": "the order has moved along its lifecycle, nothing else of it has",
    "orders.numbers_exchanged": "an order paid late has its slots again",
    "orders.note_written": "a note of the staff is a row, the audit log does not know",
    "orders.refund_decided": "a merchant's refund is a row, no payment owes it yet",
    "orders.version_raised": "a refunded order has its new version, the audit log does not know",
    "orders.access_raised": "an order's tokens have ended, the new link is not asked for yet",
    "orders.reminder_noted": "a reminder is noted, its message is not written",
    # Expiring and cancelling
    "payments.called_off": "an open payment is called off here, its intent is not",
    "payments.intent_cancelled": "the gateway has cancelled an intent; we have not noted it",
    "slots.released": "the order's slots are free, the customer's quota is not",
    "slots.quota_returned": "slots and quota are free; Redis knows nothing",
    # Campaigns
    "campaigns.created": "a campaign is a row without items",
    "campaigns.item_written": "an item is a row without batches",
    "campaigns.batch_written": "a batch and its slots are rows, nothing is committed",
    "campaigns.batch_extended": "the last batch has more numbers, nothing is committed",
    "campaigns.batch_counted": "a batch has another capacity, nothing is committed",
    "campaigns.terms_written": "a version of the terms is a row, it is not in force",
    "campaigns.written": "the campaign has changed, its pools and the log have not",
    "slots.pools_closed": "the campaign's pools are closed, its orders are open",
    # Refunding
    "refunds.written": "a refund is a row, it is not booked as owed",
    "refunds.asked": "the gateway has been asked for the refund; we have not noted its answer",
    "refunds.begun_again": "a refund that failed is to be asked for again",
    "refunds.moved": "what became of a refund is noted, nothing is committed",
    # Pictures
    "media.files_kept": "a picture's files are in the store; the database knows nothing",
    "media.row_written": "the picture is a row, the log does not know it",
    # Charting
    "analytics.funnel_counted": "what visitors did is counted, nothing is committed",
    "analytics.sums_moved": "changes are in the sums and wait no more, nothing is committed",
    "analytics.sums_removed": "the sums of a shop are gone, to be made anew; nothing is committed",
    "analytics.sums_rebuilt": "the sums of a shop are made anew, nothing is committed",
    # The catalogue
    "catalog.rows_written": "some rows of products are written, others of the same change are not",
    "catalog.file_named": "a product file is a row without content",
    "catalog.piece_written": "a piece of a product file is a row, others are not",
    "catalog.files_forgotten": "a shop's oldest product files are gone, nothing is committed",
    "catalog.import_asked_for": "an import is a row without a job",
    "catalog.import_claimed": "an import counts as running, nothing is committed",
    "catalog.import_ended": "how an import ended is noted, nothing is committed",
    "catalog.import_cancelled": "an import is cancelled, the log does not know it",
    "catalog.product_deleted": "a product is gone, the log does not know it",
    # Letting applications in
    "oauth.granted": "what a person allows is a row without a code",
    "oauth.code_made": "the grant and its code are rows, nothing is remembered",
    "oauth.consent_kept": "what was allowed is remembered, the log does not know it",
    "oauth.code_used": "a code is used up, nothing is given for it",
    "oauth.grant_prolonged": "the grant of a code lives on, nothing is given",
    "oauth.refresh_token_used": "a refresh token is used up, nothing is given for it",
    "oauth.refresh_tokens_replaced": "answers that were lost count no more, nothing is given yet",
    "oauth.refresh_token_made": "a refresh token is a row, nothing is committed",
    "oauth.service_granted": "the grant of a service is a row, the log does not know it",
    # Customers
    "customers.codes_ended": "codes that were mailed before count no more, the new one is no row",
    "customers.code_written": "a code is a row, nobody mails it",
    "customers.try_counted": "a wrong code is counted, nothing is committed",
    "customers.code_used": "a code is used up, nobody is signed in by it",
    "customers.known": "the customer is a row, he is not signed in",
    "customers.flow_begun": "what a browser is sent to a provider with is a row, uncommitted",
    "customers.flow_used": "an answer of a provider's is used up, nothing is committed",
    "customers.made_without_address": "a customer without an address is a row by himself",
    "customers.identity_linked": "a provider's name leads to a customer, nobody is signed in",
    "customers.own_moved": "some of what an account had is another's, the rest is not",
    "orders.given_over": "the orders of an account are another's, its quotas are not",
    "slots.quotas_counted": "a customer's quotas count for another as well, still for him too",
    "slots.quotas_given_over": "a customer's quotas are another's, nothing is committed",
    "carts.let_go": "a cart of an account that is no more is nobody's, nothing is committed",
    "customers.signed_in": "a sign-in is a row without tokens",
    "customers.signed_out": "sign-ins have ended, nothing is committed",
    "customers.address_added": "an address is a row, nothing is committed",
    "customers.address_changed": "an address is another one, nothing is committed",
    "customers.address_removed": "an address is gone, nothing is committed",
    "customers.address_preferred": "an address is the default, nothing is committed",
    "customers.consent_written": "a consent is a row, nothing is committed",
    "customers.mail_chosen": "a choice of mails is a row, nothing is committed",
    # Privacy
    "privacy.erasure_noted": "an erasure is a row, nothing is erased",
    "privacy.table_erased": "a person is gone from some tables and in others, uncommitted",
    "privacy.limits_forgotten": "a person is gone, nothing is committed",
    "privacy.export_asked": "a copy is asked for, no job writes it",
    "privacy.export_piece_kept": "a piece of a copy is a row, nothing is committed",
    "privacy.export_written": "a copy can be fetched, pieces of other attempts are left",
    "privacy.export_tidied": "a copy is one, nobody is told",
    "customers.profile_changed": "a profile is changed, nothing is committed",
    # Carts
    "carts.ended_one_gone": "a cart of the customer's that had ended is gone, there is no other",
    "carts.made": "a cart is a row, nothing is committed",
    "carts.touched": "a cart is locked and lives on, its lines are as they were",
    "carts.line_written": "a line is as it is to be, nothing is committed",
    "carts.line_removed": "a line is out of its cart, nothing is committed",
    "carts.prices_accepted": "what lines were shown at is written, nothing is committed",
    "carts.own_one_gone": "the cart that a customer had is gone, the other is not his",
    "carts.claimed": "a guest's cart is a customer's, without what was in his own",
    "carts.lines_moved": "what was in a customer's cart is in the one he claimed, uncommitted",
    # Waiting for an opening
    "notify_me.listed": "somebody is on a list, nobody asks him to confirm",
    "notify_me.mail_made_room": "an old confirming mail is no row any more, nor is the new one",
    "notify_me.confirmed": "somebody has confirmed; what he unsubscribed from counts still",
    "notify_me.wanted_again": "what was unsubscribed from counts no more, nothing is committed",
    "notify_me.unsubscribed": "somebody is unsubscribed, nothing is committed",
    "notify_me.taken_back": "somebody unsubscribed no more, nothing is committed",
    "notify_me.claimed": "some are noted as told, their mails are not written",
    "notify_me.struck_off": "who wants no such mails is off the list, nothing is committed",
    # Telling
    "messages.batch_written": "messages to many are rows without jobs that send them",
    "messages.written": "a message is a row without a job that sends it",
    "messages.claimed": "a worker has messages in hand, nothing is committed",
    "messages.sent": "the mail is out; we have not noted it",
    "messages.sending_noted": "that the mail is out is noted, not committed",
    # Telling merchants' systems
    "webhooks.claimed": "a worker has in hand what is due, nothing is committed",
    "webhooks.posted": "the receiver has answered; we have not noted it",
    "webhooks.attempt_noted": "an attempt and what became of the delivery are rows, uncommitted",
    "webhooks.health_noted": "an endpoint that failed is noted to be well",
    "webhooks.trouble_noted": "an endpoint is noted to have failed once more",
    "webhooks.rest_given": "an endpoint that keeps failing is given a rest",
    "webhooks.turned_off": "an endpoint is turned off, it is in no log",
    "webhooks.turning_off_recorded": "an endpoint is off and in the log, nobody is told",
    "webhooks.test_written": "a test is a row, no job sends it",
    "webhooks.replay_written": "a delivery is due once more, no job sends it",
    "webhooks.batch_replayed": "a batch of a replay is due, no job sends it",
}
"""Every place and what is true there; each is reached by exactly one line of the code."""

_on_reach: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Mark a place between two steps; the process ends here if this place is armed."""
    if _on_reach is not None:
        _on_reach(name)


@contextmanager
def observed(on_reach: Callable[[str], None]) -> Iterator[None]:
    """Call ``on_reach`` with the name of every place that is reached inside the block."""
    global _on_reach
    before, _on_reach = _on_reach, on_reach
    try:
        yield
    finally:
        _on_reach = before


def killing(name: str, *, time: int = 1) -> Callable[[str], None]:
    """Return what ends this process, as ``kill -9`` would, when a place is reached once more.

    Args:
        time: which time it is reached, counted from 1.

    Raises:
        ValueError: there is no such place.
    """
    if name not in FAILPOINTS:
        raise ValueError(f"no failpoint {name!r}; there are {', '.join(FAILPOINTS)}")
    left = time

    def on_reach(reached: str) -> None:
        nonlocal left
        if reached == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return on_reach


def arm_from_environment() -> str | None:
    """Arm what ``PRESALE_FAILPOINT`` names, for the rest of this process; return the name.

    Raises:
        ValueError: it names no place.
    """
    global _on_reach
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return None
    name, _, time = wanted.partition(":")
    _on_reach = killing(name, time=int(time or 1))
    return name
