"""The addresses of the pages."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from headless_presale.web import (
    account,
    applications,
    authorize,
    factors,
    mailed_links,
    notify_me,
    oauth,
    personal_data,
    provider,
    sign_in,
)
from headless_presale.web.assets import serve_asset
from headless_presale.web.pictures import serve_picture

ROUTES: Sequence[BaseRoute] = (
    Route("/assets/{name}", serve_asset, methods=["GET"]),
    Route("/media/{sha256}/{name}", serve_picture, methods=["GET"]),
    Route("/sign-in", sign_in.show_sign_in, methods=["GET"]),
    Route("/sign-in", sign_in.take_password, methods=["POST"]),
    Route("/sign-in/verify", sign_in.show_verify, methods=["GET"]),
    Route("/sign-in/verify", sign_in.take_second_factor, methods=["POST"]),
    Route("/sign-in/provider", provider.go_to_provider, methods=["GET"]),
    Route(provider.CALLBACK, provider.return_from_provider, methods=["GET"]),
    Route("/sign-out", sign_in.show_sign_out, methods=["GET"]),
    Route("/sign-out", sign_in.sign_out, methods=["POST"]),
    Route("/forgot-password", mailed_links.forgot_password, methods=["GET", "POST"]),
    Route("/reset-password", mailed_links.new_password, methods=["GET", "POST"]),
    Route("/invitation", mailed_links.show_invitation, methods=["GET"]),
    Route("/invitation", mailed_links.take_invitation, methods=["POST"]),
    Route("/notify-me/confirm", notify_me.show_confirm, methods=["GET"]),
    Route("/notify-me/confirm", notify_me.take_confirm, methods=["POST"]),
    Route("/notify-me/unsubscribe", notify_me.show_unsubscribe, methods=["GET"]),
    Route("/notify-me/unsubscribe", notify_me.take_unsubscribe, methods=["POST"]),
    Route("/privacy/export/{id}", personal_data.fetch_export, methods=["GET"]),
    Route("/account", account.show_account, methods=["GET"]),
    Route("/account/password", account.back_to_account, methods=["GET"]),
    Route("/account/password", account.take_password_change, methods=["POST"]),
    Route("/account/recovery-codes", account.back_to_account, methods=["GET"]),
    Route("/account/recovery-codes", account.make_recovery_codes, methods=["POST"]),
    Route("/account/sessions/end", account.back_to_account, methods=["GET"]),
    Route("/account/sessions/end", account.end_one_session, methods=["POST"]),
    Route("/account/sessions/end-others", account.back_to_account, methods=["GET"]),
    Route("/account/sessions/end-others", account.end_other_sessions, methods=["POST"]),
    Route("/account/authenticator", factors.authenticator, methods=["GET", "POST"]),
    Route("/account/authenticator/remove", account.back_to_account, methods=["GET"]),
    Route("/account/authenticator/remove", factors.drop_authenticator, methods=["POST"]),
    Route("/account/passkeys/new", factors.new_passkey, methods=["GET", "POST"]),
    Route("/account/passkeys/remove", account.back_to_account, methods=["GET"]),
    Route("/account/passkeys/remove", factors.drop_passkey, methods=["POST"]),
    *oauth.ROUTES,
    *authorize.ROUTES,
    *applications.ROUTES,
)
