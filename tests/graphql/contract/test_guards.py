"""Who may: each field of a merchant's or a customer's says so, and nothing leads around that."""

from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from headless_presale.identity import Scope
from schema.permissions import CustomerOnly
from tests.graphql.admin.tenancy.declared import id_places
from tests.graphql.contract.reading import GRAPHQL, is_merchants, object_types, scopes_of


def test_every_field_of_a_merchants_root_names_what_it_requires() -> None:
    open_fields = {
        f"{type_name}.{name}"
        for type_name in ("Merchant", "AdminShop")
        for name, field in GRAPHQL.type_map[type_name].fields.items()  # type: ignore[attr-defined]
        if scopes_of(field) is None
    }
    assert open_fields == {
        # Who it is: whoever was let in as far as this knows it.
        "AdminShop.currency",
        "AdminShop.id",
        "AdminShop.name",
        "AdminShop.slug",
        "AdminShop.version",
        "Merchant.id",
        "Merchant.name",
        "Merchant.version",
    }


def test_nothing_of_a_merchants_is_reached_without_a_guard() -> None:
    roots = (GRAPHQL.query_type, GRAPHQL.mutation_type, GRAPHQL.subscription_type)
    ahead = [root for root in roots if root is not None]
    open_types: set[str] = set()
    while ahead:
        type_ = ahead.pop()
        if type_.name in open_types:
            continue
        open_types.add(type_.name)
        for field in type_.fields.values():
            if scopes_of(field) is not None:
                continue
            named = get_named_type(field.type)
            if isinstance(named, GraphQLInterfaceType):
                # What `node(id:)` may find, and what may be the matter with a mutation.
                ahead += GRAPHQL.get_possible_types(named)
            elif isinstance(named, GraphQLObjectType):
                ahead.append(named)
    # A look at what it walks: far into the storefront, and not through a guard.
    assert {"Order", "Refund", "CampaignItem", "InvalidInputError"} <= open_types
    found = {t.name for t in object_types() if t.name in open_types and is_merchants(t)}
    # What `campaignCancel` would do now, in its refusal of what was expected of it.
    assert found == {"CampaignCancelPreview", "LegRefund"}
    mutation = GRAPHQL.mutation_type
    assert mutation is not None
    assert "orders:read" in (scopes_of(mutation.fields["campaignCancel"]) or ())


def test_ids_are_taken_where_the_matrix_asks_for_foreign_ones() -> None:
    takes_ids = {
        f"{type_.name}.{name}"
        for type_ in object_types()
        if is_merchants(type_)
        for name, field in type_.fields.items()
        if scopes_of(field) is None
        and any(list(id_places(argument.type)) for argument in field.args.values())
    }
    # Its lines are looked for among those of its order: see test_orders.py.
    assert takes_ids == {"AdminOrder.refundPreview"}


def test_what_is_a_customers_says_so() -> None:
    guarded = {
        f"{type_.name}.{name}"
        for type_ in object_types()
        for name, field in type_.fields.items()
        if any(
            isinstance(directive, CustomerOnly)
            for directive in field.extensions["strawberry-definition"].directives
        )
    }
    assert guarded == {
        "Query.me",
        "Mutation.cartClaim",
        "Mutation.addressAdd",
        "Mutation.emailProve",
        "Mutation.addressUpdate",
        "Mutation.addressRemove",
        "Mutation.addressSetDefault",
        "Mutation.consentGive",
        "Mutation.consentWithdraw",
        "Mutation.customerErase",
        "Mutation.personalDataExport",
        "Mutation.notificationChoiceSet",
        "Mutation.orderTokenRevoke",
        "Mutation.profileUpdate",
    }


def test_every_scope_that_a_field_requires_exists() -> None:
    named = {
        scope
        for type_ in object_types()
        for field in type_.fields.values()
        for scope in scopes_of(field) or ()
    }
    assert named <= set(Scope)
