"""What carts say no with, in every language."""

from collections.abc import Mapping

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "CART_CHANGED": {
        "en": "The cart has changed while it was being ordered. Look at it again.",
        "zh-CN": "购物车在下单过程中发生了变化，请重新确认。",
    },
    "CART_EMPTY": {
        "en": "The cart is empty.",
        "zh-CN": "购物车是空的。",
    },
    "CART_LINE_NOT_FOUND": {
        "en": "This item is not in the cart.",
        "zh-CN": "购物车中没有该商品。",
    },
    "CART_NOT_FOUND": {
        "en": "There is no such cart, or it has ended.",
        "zh-CN": "没有该购物车，或购物车已失效。",
    },
}
