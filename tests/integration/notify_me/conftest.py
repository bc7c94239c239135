"""A mail server that lists are told by."""

from tests.integration.notifications.conftest import mail_server

__all__ = ["mail_server"]
