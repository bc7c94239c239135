"""Which mutation counts as what, and the counting of them before any of an operation is run."""

from collections.abc import Mapping
from typing import Any

from headless_presale.customers import CustomerClaims
from headless_presale.identity import AccessClaims
from headless_presale.operation_limits import Kind
from resolvers.context import RequestContext

KINDS: Mapping[str, Kind] = {
    "orderPlace": Kind.PLACEMENTS,
    "orderCancel": Kind.PAYMENTS,
    "paymentStart": Kind.PAYMENTS,
    "signInCodeRequest": Kind.CODES,
    "signInCodeRedeem": Kind.LOGINS,
    "sessionRefresh": Kind.LOGINS,
    "signInWeChat": Kind.LOGINS,
    "signInOidcStart": Kind.LOGINS,
    "signInOidcComplete": Kind.LOGINS,
    "emailProve": Kind.LOGINS,
    "orderTokenRevoke": Kind.CHANGES,
    "signOut": Kind.CHANGES,
    "profileUpdate": Kind.CHANGES,
    "addressAdd": Kind.CHANGES,
    "addressUpdate": Kind.CHANGES,
    "addressRemove": Kind.CHANGES,
    "addressSetDefault": Kind.CHANGES,
    "consentGive": Kind.CHANGES,
    "consentWithdraw": Kind.CHANGES,
    "notificationChoiceSet": Kind.CHANGES,
    "customerErase": Kind.CHANGES,
    "personalDataExport": Kind.CHANGES,
    "campaignNotifyMe": Kind.CODES,
    "cartCreate": Kind.CHANGES,
    "cartClaim": Kind.CHANGES,
    "cartLineAdd": Kind.CHANGES,
    "cartLineUpdate": Kind.CHANGES,
    "cartLineRemove": Kind.CHANGES,
    "cartPricesAccept": Kind.CHANGES,
    "eventsRecord": Kind.EVENTS,
    "orderTokenRevokeByMerchant": Kind.MAILS,
    "staffInvite": Kind.MAILS,
}
"""Every mutation of a storefront, and those of a merchant that send a mail or check a code. A
merchant's others are counted as requests alone: whoever sends them is known, and may."""


NEED_NO_TOKEN = frozenset(
    {
        *("signInCodeRequest", "signInCodeRedeem", "signInWeChat"),
        *("signInOidcStart", "signInOidcComplete", "sessionRefresh", "signOut"),
    }
)
"""What gives a token, or ends a sign-in. Most clients send their token with all they ask: here one
that has expired is as good as none."""


async def count_mutations(
    context: RequestContext, fields: Mapping[str, int], extensions: Mapping[str, Any]
) -> None:
    """Count an operation's mutations, each as often as it occurs.

    Args:
        fields: the names of the operation's root fields, and how often each is asked for.
        extensions: the request's; ``challenge`` is what a challenge gave the caller.

    Raises:
        Unauthenticated: the caller's token has expired, and one of them is for somebody.
        RateLimited: they are more than the caller has left; none of them is begun.
        ChallengeRequired: the caller does much, and has not shown that he is no robot.
    """
    if not fields.keys() <= NEED_NO_TOKEN:
        context.check_token()
    wanted: dict[Kind, int] = {}
    for name, times in fields.items():
        if name in KINDS:
            wanted[KINDS[name]] = wanted.get(KINDS[name], 0) + times
    if context.meter is None or not wanted:
        return
    claims, proof = context.claims, extensions.get("challenge")
    await context.meter.take(
        wanted,
        grant=claims if isinstance(claims, AccessClaims) else None,
        customer_id=claims.customer_id if isinstance(claims, CustomerClaims) else None,
        proof=proof if isinstance(proof, str) else None,
    )
