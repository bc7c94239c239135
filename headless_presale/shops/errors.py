"""What can go wrong with shops."""

from headless_presale.kernel.errors import DomainError, NotFound


class ShopNotFound(NotFound):
    """No shop has this slug or id."""

    code = "SHOP_NOT_FOUND"
    template = "Shop {shop} was not found"


class ShopSlugTaken(DomainError):
    """Another shop lives at this address."""

    code = "SHOP_SLUG_TAKEN"
    template = "The slug {slug} belongs to another shop"


class ShopFixed(DomainError):
    """The setting cannot be changed any more: the shop's products hang on it."""

    code = "SHOP_FIXED"
    template = "The {setting} of a shop cannot be changed once it has a product"
