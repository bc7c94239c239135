"""Who may do what: accounts, staff, applications, and the tokens they hold."""

from headless_presale.identity.accounts import ensure_account, find_account, fold_email
from headless_presale.identity.api_clients import (
    ClientKind,
    ClientWish,
    ClientWithSecret,
    create_client,
    disable_client,
    kind_of,
    read_redirect_uris,
    revoke_grant,
    rotate_client_secret,
    update_client,
)
from headless_presale.identity.bearer import authenticate_bearer, issuer, read_bearer, set_issuer
from headless_presale.identity.errors import (
    ClientNotFound,
    Forbidden,
    GrantNotFound,
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    ScopesExceeded,
    StaffMemberExists,
    TokenExpired,
    Unauthenticated,
)
from headless_presale.identity.events import (
    PasswordResetRequested,
    SecurityChange,
    SecurityChanged,
    StaffInvited,
    StaffJoined,
)
from headless_presale.identity.granting import checked_shops, refuse_excess
from headless_presale.identity.invitations import (
    InviteStaff,
    invitation_token,
    invite_staff,
    revoke_invitation,
)
from headless_presale.identity.local import issue_local_token
from headless_presale.identity.models import (
    Account,
    Invitation,
    OAuthClient,
    OAuthGrant,
    StaffMember,
)
from headless_presale.identity.oauth.access_tokens import AccessClaims
from headless_presale.identity.principal import Principal, find_principal
from headless_presale.identity.resets import reset_token
from headless_presale.identity.scopes import (
    ALL_SCOPES,
    ROLE_SCOPES,
    Role,
    Scope,
    scope_text,
    scopes_of,
)
from headless_presale.identity.staff import (
    UpdateMember,
    add_member,
    deactivate_member,
    reactivate_member,
    update_member,
)

__all__ = [
    "ALL_SCOPES",
    "ROLE_SCOPES",
    "AccessClaims",
    "Account",
    "ClientKind",
    "ClientNotFound",
    "ClientWish",
    "ClientWithSecret",
    "Forbidden",
    "GrantNotFound",
    "Invitation",
    "InvitationNotFound",
    "InviteStaff",
    "LastOwner",
    "MemberNotFound",
    "OAuthClient",
    "OAuthGrant",
    "PasswordResetRequested",
    "Principal",
    "Role",
    "Scope",
    "ScopesExceeded",
    "SecurityChange",
    "SecurityChanged",
    "StaffInvited",
    "StaffJoined",
    "StaffMember",
    "StaffMemberExists",
    "TokenExpired",
    "Unauthenticated",
    "UpdateMember",
    "add_member",
    "authenticate_bearer",
    "checked_shops",
    "create_client",
    "deactivate_member",
    "disable_client",
    "ensure_account",
    "find_account",
    "find_principal",
    "fold_email",
    "invitation_token",
    "invite_staff",
    "issue_local_token",
    "issuer",
    "kind_of",
    "reactivate_member",
    "read_bearer",
    "read_redirect_uris",
    "refuse_excess",
    "reset_token",
    "revoke_grant",
    "revoke_invitation",
    "rotate_client_secret",
    "scope_text",
    "scopes_of",
    "set_issuer",
    "update_client",
    "update_member",
]
