"""What products, their pictures and files say no with, in every language. See ``messages``."""

from collections.abc import Mapping

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "IMPORT_NOT_FOUND": {
        "en": "There is no such import.",
        "zh-CN": "没有这次导入。",
    },
    "IMPORT_UNDER_WAY": {
        "en": "{file} is being imported. Wait until it is done, or cancel it.",
        "zh-CN": "正在导入 {file}，请等待完成或先取消。",
    },
    "LAST_VARIANT": {
        "en": "This is the product's last variant. Delete the product, or add another variant "
        "first.",
        "zh-CN": "这是该商品的最后一个规格，请先添加其他规格，或直接删除商品。",
    },
    "MEDIA_ANIMATED": {
        "en": "Animated pictures are not supported. Upload a still one.",
        "zh-CN": "不支持动图，请上传静态图片。",
    },
    "MEDIA_DAMAGED": {
        "en": "The picture is damaged or incomplete.",
        "zh-CN": "图片已损坏或不完整。",
    },
    "MEDIA_IN_USE": {
        "en": "Products show this picture ({uses}). Take it out of them first.",
        "zh-CN": "有 {uses} 件商品正在使用这张图片，请先从商品中移除。",
    },
    "MEDIA_NOT_FOUND": {
        "en": "There is no such picture.",
        "zh-CN": "没有这张图片。",
    },
    "MEDIA_NOT_PICTURE": {
        "en": "This is not a JPEG, PNG, WebP, AVIF or GIF picture.",
        "zh-CN": "该文件不是 JPEG、PNG、WebP、AVIF 或 GIF 图片。",
    },
    "MEDIA_TOO_MANY_PIXELS": {
        "en": "A picture may have at most {limit_megapixels} megapixels.",
        "zh-CN": "图片最多 {limit_megapixels} 百万像素。",
    },
    "PRODUCT_FILE_NOT_FOUND": {
        "en": "There is no such file. Files are kept for a week; upload it again.",
        "zh-CN": "没有这个文件。文件保留一周，请重新上传。",
    },
    "PRODUCT_HANDLE_TAKEN": {
        "en": "Another product of the shop has the address {handle}.",
        "zh-CN": "地址 {handle} 已被店铺的其他商品使用。",
    },
    "PRODUCT_IN_USE": {
        "en": "A campaign presells {product} or has presold it. Hide it instead of deleting it.",
        "zh-CN": "{product} 正在或曾经参加预售活动，不能删除，可将其下架。",
    },
    "PRODUCT_MEDIA_EXISTS": {
        "en": "The product shows this picture already.",
        "zh-CN": "该商品已有这张图片。",
    },
    "PRODUCT_MEDIA_NOT_FOUND": {
        "en": "The product has no such picture.",
        "zh-CN": "该商品没有这张图片。",
    },
    "PRODUCT_NOT_FOUND": {
        "en": "There is no product {product} in this shop.",
        "zh-CN": "该店铺没有商品 {product}。",
    },
    "PRODUCT_OPTION_NOT_FOUND": {
        "en": "The product has no such option.",
        "zh-CN": "该商品没有这个规格项。",
    },
    "SKU_TAKEN": {
        "en": "Another variant of the product has the SKU {sku}.",
        "zh-CN": "该商品的其他规格已使用 SKU {sku}。",
    },
    "UNREADABLE_PRODUCT_FILE": {
        "en": "{file} cannot be imported: {reason}.",
        "zh-CN": "无法导入 {file}：{reason}。",
    },
    "VARIANT_EXISTS": {
        "en": "Two variants of the product would be alike: {values}.",
        "zh-CN": "该商品会有两个相同的规格：{values}。",
    },
    "VARIANT_IN_USE": {
        "en": "A campaign presells this variant or has presold it. It cannot be deleted.",
        "zh-CN": "该规格正在或曾经参加预售活动，不能删除。",
    },
    "VARIANT_NOT_FOUND": {
        "en": "There is no such variant.",
        "zh-CN": "没有这个商品规格。",
    },
}
