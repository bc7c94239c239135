"""Work of this context that waits for a mail server."""

from uuid import UUID

from procrastinate import BaseRetryStrategy, Blueprint, JobContext, RetryDecision
from procrastinate.jobs import Job

from headless_presale.notifications import announcing, delivery, forgetting

jobs = Blueprint()

MAX_RETRIES = 35
LONGEST_WAIT_SECONDS = 3_600


def wait_seconds(attempts: int) -> int:
    """Return the pause after so many earlier attempts: 2, 4, 8... seconds, at most an hour.

    All 35 together last a little over a day: a server may be down overnight.
    """
    return int(min(2 ** (attempts + 1), LONGEST_WAIT_SECONDS))


class WaitLongerAndLonger(BaseRetryStrategy):
    """Exponential backoff with an upper bound, which procrastinate's own does not have."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= MAX_RETRIES:
            return None
        return RetryDecision(retry_in={"seconds": wait_seconds(job.attempts)})


@jobs.task(name="send_message", retry=WaitLongerAndLonger(), pass_context=True)
async def send_message(context: JobContext, message_id: str) -> None:
    """Send a message; the last attempt that fails is recorded on it."""
    try:
        await delivery.deliver(UUID(message_id))
    except Exception as error:
        if context.job.attempts >= MAX_RETRIES:
            await delivery.record_failure(UUID(message_id), f"given up: {error}")
        raise


@jobs.task(name="send_messages", retry=WaitLongerAndLonger(), pass_context=True)
async def send_messages(context: JobContext, message_ids: list[str]) -> None:
    """Send messages to many; where the last attempt fails it is recorded on those unsent."""
    # Each attempt begins with another one: what keeps one of them does not keep the rest.
    first = context.job.attempts % len(message_ids)
    ids = [UUID(id_) for id_ in (*message_ids[first:], *message_ids[:first])]
    try:
        await delivery.deliver_many(ids)
    except Exception as error:
        if context.job.attempts >= MAX_RETRIES:
            for message_id in ids:
                await delivery.record_failure(message_id, f"given up: {error}")
        raise


@jobs.task(name="ask_to_confirm", retry=WaitLongerAndLonger())
async def ask_to_confirm(watcher_id: str) -> None:
    """Mail somebody on a notify-me list the link that confirms it."""
    await announcing.ask_to_confirm(UUID(watcher_id))


@jobs.task(name="tell_watchers", retry=WaitLongerAndLonger())
async def tell_watchers(campaign_id: str) -> None:
    """Write to some of those who wait for a campaign that has opened, and ask for the rest."""
    await announcing.tell_watchers(UUID(campaign_id))


@jobs.periodic(cron="57 * * * *")
@jobs.task(name="forget_list_mails", queueing_lock="notifications:forget_list_mails")
async def forget_list_mails(timestamp: int) -> None:
    """Delete mails of notify-me lists once nobody asks after them."""
    await forgetting.forget_list_mails()
