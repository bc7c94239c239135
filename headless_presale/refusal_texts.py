"""What a refusal at the top level of an answer says, in every language we speak.

Keyed by ``extensions.code``. English is what the code itself writes, with names and values in it;
``{detail}`` stands for that where a translation needs it. The sentences of business refusals, which
are data, are in ``resolvers/messages.py``.
"""

from collections.abc import Mapping

from headless_presale.kernel.locales import SUPPORTED_LOCALES, negotiate

TEXTS: Mapping[str, Mapping[str, str]] = {
    "ARGUMENT_INVALID": {
        "en": "An argument of a field cannot be used.",
        "zh-CN": "参数无效：{detail}",
    },
    "CAMPAIGN_NOT_FOUND": {
        "en": "There is no such campaign.",
        "zh-CN": "没有这个活动。",
    },
    "CHALLENGE_REQUIRED": {
        "en": "Show that you are no robot: solve the challenge whose key is in "
        "`extensions.siteKey`, then send the same request again with what it gave you as the "
        "header `X-Challenge-Response`, or as `extensions.challenge` over a socket.",
        "zh-CN": "请先完成人机验证，再以 X-Challenge-Response 请求头附上验证结果重新发送同一请求。",
    },
    "CURSOR_INVALID": {
        "en": "This is not a cursor of this list.",
        "zh-CN": "游标不属于该列表：{detail}",
    },
    "DOCUMENT_INVALID": {
        "en": "The document does not fit the schema.",
        "zh-CN": "查询文档与模式不符：{detail}",
    },
    "DOCUMENT_NOT_TRUSTED": {
        "en": "The shop answers registered operations alone, and this is none of them.",
        "zh-CN": "该店铺仅接受已登记的操作，此操作未登记。",
    },
    "DOCUMENT_SYNTAX": {
        "en": "The document cannot be parsed.",
        "zh-CN": "查询文档语法有误：{detail}",
    },
    "DOCUMENT_TOO_COMPLEX": {
        "en": "The document is too long, too deep or asks for too much.",
        "zh-CN": "查询文档过于复杂：{detail}",
    },
    "FORBIDDEN": {
        "en": "The token does not permit this.",
        "zh-CN": "没有权限：{detail}",
    },
    "ID_INVALID": {
        "en": "This is not a global id, or one of another kind.",
        "zh-CN": "编号无效：{detail}",
    },
    "INTERNAL": {
        "en": "Internal error: a defect of ours. `extensions.requestId` finds it in our log.",
        "zh-CN": "服务器内部错误。",
    },
    "INTROSPECTION_DISABLED": {
        "en": "Introspection is turned off; read /schema.graphql.",
        "zh-CN": "已关闭自省查询：{detail}",
    },
    "OPERATION_NOT_ALLOWED": {
        "en": "This method or media type cannot carry the operation.",
        "zh-CN": "此请求方式不能执行该操作：{detail}",
    },
    "OPERATION_UNKNOWN": {
        "en": "The document holds no such operation, or several and none is named.",
        "zh-CN": "找不到要执行的操作：{detail}",
    },
    "ORDER_NOT_FOUND": {
        "en": "There is no order with this id for you.",
        "zh-CN": "没有您可以查看的该订单。",
    },
    "ORIGIN_NOT_ALLOWED": {
        "en": "Pages of this origin may not use the shop.",
        "zh-CN": "该来源的网页不能使用此店铺。",
    },
    "OVERLOADED": {
        "en": "Too many requests are being worked on: send the same request again in a moment.",
        "zh-CN": "当前请求过多，请稍后重新发送同一请求。",
    },
    "PERSISTED_QUERY_MISMATCH": {
        "en": "The hash is not that of the text.",
        "zh-CN": "哈希与查询文本不符：{detail}",
    },
    # Apollo's clients know it by this word, in whatever language.
    "PERSISTED_QUERY_NOT_FOUND": {
        "en": "PersistedQueryNotFound",
        "zh-CN": "PersistedQueryNotFound",
    },
    "RATE_LIMITED": {
        "en": "This caller has sent too many requests: wait, then send the same request again.",
        "zh-CN": "请求过于频繁，请稍候再重新发送同一请求。",
    },
    "REQUEST_INVALID": {
        "en": "The request is none of GraphQL over HTTP.",
        "zh-CN": "请求无效：{detail}",
    },
    "REQUEST_TOO_LARGE": {
        "en": "The body or the query string is too large.",
        "zh-CN": "请求过大：{detail}",
    },
    "SESSION_EXPIRED": {
        "en": "The session has expired.",
        "zh-CN": "登录已过期，请重新登录。",
    },
    "SHUTTING_DOWN": {
        "en": "The server is stopping: connect again.",
        "zh-CN": "服务器正在重启，请重新连接。",
    },
    "TIMEOUT": {
        "en": "The operation took too long and was given up. What it had begun to change may still "
        "be done: send the same request again.",
        "zh-CN": "操作超时，已停止等待；已开始的更改可能仍会完成，请重新发送同一请求。",
    },
    "TOO_MANY_CONNECTIONS": {
        "en": "This client holds too many connections open: close some, then connect again.",
        "zh-CN": "打开的连接过多，请先关闭一些再重新连接。",
    },
    "TOO_MANY_SUBSCRIPTIONS": {
        "en": "Too many operations run on this connection.",
        "zh-CN": "此连接上同时进行的操作过多。",
    },
    "UNAUTHENTICATED": {
        "en": "There is no access token, or it is not valid.",
        "zh-CN": "请先登录：{detail}",
    },
    "UNAVAILABLE": {
        "en": "The service is busy: send the same request again in a moment.",
        "zh-CN": "服务繁忙，请稍后重新发送同一请求。",
    },
    "VARIABLES_INVALID": {
        "en": "The variables do not fit the operation.",
        "zh-CN": "变量与操作不符：{detail}",
    },
}


def tell(code: str, message: str, accept_language: str | None) -> str:
    """Return the sentence of a refusal in the language that a caller wants.

    Args:
        message: the English one, as it was written for this case.
        accept_language: his header, as it came.
    """
    locale = negotiate(accept_language) if accept_language else SUPPORTED_LOCALES[0]
    if locale == SUPPORTED_LOCALES[0]:
        return message
    text = TEXTS.get(code, {}).get(locale)
    return message if text is None else text.replace("{detail}", message)
