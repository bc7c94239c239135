"""What a merchant reads about campaigns, in every language we speak. See ``messages``."""

from collections.abc import Mapping

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "CAMPAIGN_ALREADY_PUBLISHED": {
        "en": "The campaign has been published already.",
        "zh-CN": "该预售活动已经发布。",
    },
    "CAMPAIGN_CONFLICT": {
        "en": "The campaign cannot be saved: {reason}.",
        "zh-CN": "无法保存该预售活动：{reason}。",
    },
    "CAMPAIGN_FIXED": {
        "en": "The {setting} cannot be changed once the campaign is published.",
        "zh-CN": "活动发布后不能再修改{setting}。",
    },
    "CAMPAIGN_ITEM_NOT_FOUND": {
        "en": "This item is not on sale in this shop.",
        "zh-CN": "该店铺没有在售的这件商品。",
    },
    "CAMPAIGN_MISMATCH": {
        "en": "The items belong to different campaigns. Place one order for each campaign.",
        "zh-CN": "所选商品属于不同的预售活动，请按活动分别下单。",
    },
    "CAMPAIGN_NOT_FOUND": {
        "en": "This campaign does not exist.",
        "zh-CN": "该预售活动不存在。",
    },
    "CAMPAIGN_NOT_OPEN": {
        "en": "The campaign takes no orders now: {status}.",
        "zh-CN": "该预售活动目前不接受订单：{status}。",
    },
    "CAMPAIGN_NOT_PUBLISHABLE": {
        "en": "The campaign cannot be published: {summary}.",
        "zh-CN": "该预售活动无法发布：{summary}。",
    },
    "CANCEL_PREVIEW_OUTDATED": {
        "en": "The campaign has {orders} open orders by now. Look at the preview again; nothing "
        "was cancelled.",
        "zh-CN": "该活动目前已有 {orders} 个未完结订单，请重新查看预览。本次未取消任何内容。",
    },
    "CAPACITY_BELOW_SOLD": {
        "en": "The capacity cannot be lower than what is sold or held: {owned}.",
        "zh-CN": "名额不能少于已售出或已保留的数量：{owned} 个。",
    },
    "TERMS_NOT_FOUND": {
        "en": "There is no version {version} of the terms.",
        "zh-CN": "没有第 {version} 版条款。",
    },
}

SETTING_WORDS: Mapping[str, Mapping[str, str]] = {
    "handle": {"en": "address", "zh-CN": "地址"},
    "opens_at": {"en": "opening", "zh-CN": "开始时间"},
    "closes_at": {"en": "close", "zh-CN": "结束时间"},
    "payment_plan": {"en": "payment plan", "zh-CN": "付款方式"},
    "cancel_policy": {"en": "cancel policy", "zh-CN": "取消规则"},
    "items": {"en": "list of items", "zh-CN": "商品"},
    "terms": {"en": "wording of published terms", "zh-CN": "已发布的条款"},
}

REASONS: Mapping[str, Mapping[str, str]] = {
    "zh-CN": {
        "a tier's price is out of range": "某一档的价格超出范围",
        "a tier's price rounds to nothing": "某一档的价格舍入后为零",
        "a batch has no capacity": "某一批次没有名额",
        "a batch ships before the campaign opens": "某一批次的发货日期早于活动开始",
        "a deposit above {percent} % deters buyers": "定金超过 {percent}% 会让买家却步",
        "a deposit needs a window in which the balance is paid": "收取定金须设定尾款支付时间",
        "a time tier lasts no time": "某一时间档没有时长",
        "a variant appears twice": "同一规格出现了两次",
        "another campaign of this shop has this handle": "店铺中另一个活动已使用该地址",
        "at most {most} entries": "最多 {most} 项",
        "capacity must be within 1..{most}": "名额须在 1 到 {most} 之间",
        "more than {most} slots in one item": "单件商品的名额超过 {most} 个",
        "no batch gives the item a capacity": "没有批次为该商品提供名额",
        "no variant {variant} in this shop": "该店铺没有规格 {variant}",
        "quantity tiers must rise in their bounds": "数量档的上限须逐档递增",
        "set the deposit as a share or as an amount per unit, one of the two": (
            "定金请按比例或按每件金额设定，二选一"
        ),
        "several variants have the SKU {variant}": "有多个规格使用 SKU {variant}",
        "ships more than {days} days after the close": "发货日期晚于活动结束 {days} 天以上",
        "the amount has more decimals than {currency} allows": (
            "金额的小数位数超过 {currency} 的规定"
        ),
        "the amount is too large": "金额过大",
        "the balance is due before its window opens": "尾款截止时间早于其开始时间",
        "the balance window opens before the campaign closes": "尾款支付开始于活动结束之前",
        "the batch ships before the campaign opens": "该批次的发货日期早于活动开始",
        "the campaign closes before it opens": "活动的结束时间早于开始时间",
        "the campaign sells nothing": "活动中没有商品",
        "the campaign would be over already": "活动的结束时间已过",
        "the deposit must be above 0 % and below 100 % of the price": (
            "定金须高于价格的 0% 且低于 100%"
        ),
        "the deposit of the cheapest price rounds up to all of it and leaves no balance": (
            "最低价的定金舍入后等于全款，没有尾款"
        ),
        "the deposit per unit must be above 0 and below the lowest price of any item": (
            "每件定金须大于 0 且低于所有商品的最低价"
        ),
        "the item has no batch yet; add one": "该商品还没有批次，请先添加",
        "the limit must be at least 1": "限购数量至少为 1",
        "the new close is not later than the present one": "新的结束时间不晚于现在的结束时间",
        "the number must be at least {least}": "数值不能小于 {least}",
        "the number must be at most {most}": "数值不能大于 {most}",
        "this value cannot be used": "该值无法使用",
        "the opening lies in the past": "开始时间已过",
        "the price must be above 0": "价格须大于 0",
        "the promised ship date is before the close": "承诺的发货日期早于活动结束",
        "the terms promise no ship date": "条款中没有承诺发货日期",
        "the terms state no cancel conditions in {locale}": "条款缺少 {locale} 的取消条件",
        "the terms state no refund policy in {locale}": "条款缺少 {locale} 的退款规则",
        "the time tiers outlast the campaign": "时间档的总时长超过活动时长",
        "the variant is priced in {priced}, the shop sells in {currency}": (
            "该规格以 {priced} 计价，而店铺以 {currency} 销售"
        ),
        "there is no such variant in this shop": "该店铺没有这个规格",
        "{shortest} to {longest} days are recommended for a presale": (
            "建议预售时长为 {shortest} 到 {longest} 天"
        ),
    }
}
