"""From facts to words: Jinja2 templates, one set per language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from headless_presale.kernel.later import later
from headless_presale.notifications import formats
from headless_presale.notifications.models import AccountMailKind, ListMailKind, MessageKind

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = later("jinja2")


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message in words; text and HTML say the same."""

    subject: str
    text: str
    html: str


def render(
    kind: MessageKind, locale: str, context: Mapping[str, Any], *, order_link: str | None
) -> RenderedMessage:
    """Write a message.

    Args:
        locale: one of ``SUPPORTED_LOCALES``.
        context: the facts, as ``facts.py`` froze them.
        order_link: where the buyer can follow the order; left out of the message if None.

    Raises:
        jinja2.UndefinedError: a template names a fact that is not there.
    """
    return _render(f"{locale}/{kind}", locale, {**context, "order_link": order_link})


def render_account_mail(
    kind: AccountMailKind, locale: str, context: Mapping[str, Any], *, secret: str
) -> RenderedMessage:
    """Write a mail to somebody who signs in.

    Args:
        secret: the link its button leads to, or the code that it carries.

    Raises:
        jinja2.UndefinedError: a template names a fact that is not there.
    """
    return _render(f"{locale}/{kind}", locale, {**context, "link": secret, "secret": secret})


def render_list_mail(
    kind: ListMailKind,
    locale: str,
    context: Mapping[str, Any],
    *,
    link: str | None,
    unsubscribe_link: str,
) -> RenderedMessage:
    """Write a mail to somebody on a notify-me list.

    Args:
        link: where its button leads; the mail has none if None.

    Raises:
        jinja2.UndefinedError: a template names a fact that is not there.
    """
    values = {**context, "link": link, "unsubscribe_link": unsubscribe_link}
    return _render(f"{locale}/{kind}", locale, values)


def _render(template: str, locale: str, values: Mapping[str, Any]) -> RenderedMessage:
    environment = _environment(locale)
    subject = formats.one_line(environment.get_template(f"{template}.subject").render(values))
    return RenderedMessage(
        subject=subject,
        text=environment.get_template(f"{template}.txt").render(values).strip() + "\n",
        html=environment.get_template(f"{template}.html").render(values, subject=subject),
    )


@cache
def _environment(locale: str) -> "jinja2.Environment":
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("headless_presale.notifications", "templates"),
        autoescape=jinja2.select_autoescape(("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["locale"] = locale
    environment.filters |= {
        "money": partial(formats.format_money, locale=locale),
        "day": partial(formats.format_day, locale=locale),
        "time": partial(formats.format_time, locale=locale),
        "share": partial(formats.format_share, locale=locale),
        "slots": partial(formats.format_slots, locale=locale),
    }
    return environment
