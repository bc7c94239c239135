"""Why something of the catalogue cannot be used: the clauses of its code, in Chinese."""

from collections.abc import Mapping

CATALOG_REASONS: Mapping[str, str] = {
    "a page needs exactly one of first and last": "每页须且只能指定 first 或 last",
    "a product has at least one variant": "一个商品至少有一个规格",
    "a product has at most {most} options": "一个商品最多有 {most} 个规格项",
    "a product has at most {most} pictures": "一个商品最多有 {most} 张图片",
    "a product has at most {most} variants": "一个商品最多有 {most} 个规格",
    "a product has no text called {name}": "商品没有名为 {name} 的文字",
    "a tag has no comma in it": "标签中不能有逗号",
    "a variant has one value for each option of its product: {count}": (
        "每个规格须为商品的每个规格项各填一个值，共 {count} 个"
    ),
    "a weight is shown in g, kg, lb or oz": "重量单位须为 g、kg、lb 或 oz",
    "an address has at most {most} bytes": "网址不能超过 {most} 字节",
    "at most {most} tags": "最多 {most} 个标签",
    "one of them is named twice": "同一项被重复列出",
    "option values have at most {most} bytes together": "规格值合计不能超过 {most} 字节",
    "the product has no option called {name}": "该商品没有名为 {name} 的规格项",
    "this cannot be part of an address": "该内容不能用作地址",
    "this is not an http or https address": "这不是 http 或 https 网址",
    "two options have the same name": "两个规格项的名称相同",
    "{name} must be within 1 and {most}": "{name} 须在 1 到 {most} 之间",
}
"""A reason as the code writes it -> the same clause."""
