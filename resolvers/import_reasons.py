"""What an import says of rows and files: the clauses of its code, in Chinese."""

from collections.abc import Mapping

IMPORT_REASONS: Mapping[str, str] = {
    "missing": "缺失",
    "missing for option {name}": "缺少规格项 {name} 的值",
    "missing, and the row has no picture either": "缺失，且该行也没有图片",
    "missing, and no row above is the product row of {cell}": "缺失，且上方没有 {cell} 的商品行",
    "missing: no row of the product is a variant": "缺失：该商品没有任何规格行",
    "byte {byte} is not text in the file's encoding": "字节 {byte} 不是该文件编码中的文字",
    "a NUL character cannot be stored": "不能含有空字符",
    "{count} characters where at most {most} are allowed": "有 {count} 个字符，最多允许 {most} 个",
    "{cell} cannot be part of an address": "{cell} 不能用作地址",
    "{cell} is negative": "{cell} 是负数",
    "{cell} is not a plain decimal number such as 1234.50": (
        "{cell} 不是普通的十进制数，例如 1234.50"
    ),
    "{price} is too large": "{price} 过大",
    "{price} has more decimals than {currency} allows": (
        "{price} 的小数位数超过 {currency} 允许的位数"
    ),
    "{cell} is not a whole number": "{cell} 不是整数",
    "{cell} is not a number of grams": "{cell} 不是以克为单位的数值",
    "{number} is not within {lowest} and {highest}": "{number} 不在 {lowest} 到 {highest} 之间",
    "{cell} is neither TRUE nor FALSE": "{cell} 既不是 TRUE 也不是 FALSE",
    "{cell} is none of {choices}": "{cell} 不是以下之一：{choices}",
    "{count} tags where at most {most} are allowed": "有 {count} 个标签，最多允许 {most} 个",
    "an address of more than {most} bytes": "网址超过 {most} 字节",
    "{cell} has a space or control character in it": "{cell} 中含有空格或控制字符",
    "{cell} is not an address: {detail}": "{cell} 不是有效的网址（{detail}）",
    "{cell} is not an http or https address": "{cell} 不是 http 或 https 网址",
    "{count} cells where the header has {width} columns": (
        "该行有 {count} 个单元格，而表头有 {width} 列"
    ),
    "the product row on line {line} has another title": "第 {line} 行的商品行使用了另一个标题",
    "option {number} is called {name} on line {line}": (
        "第 {line} 行中第 {number} 个规格项的名称是 {name}"
    ),
    "the product row on line {line} has no option {number}": (
        "第 {line} 行的商品行没有第 {number} 个规格项"
    ),
    "the product row on line {line} names no option {number}": (
        "第 {line} 行的商品行没有写明第 {number} 个规格项"
    ),
    "{name} is the name of two options": "{name} 是两个规格项的名称",
    "{count} bytes of option values where at most {most} are allowed": (
        "规格值共 {count} 字节，最多允许 {most} 字节"
    ),
    "{cell} is already on line {line}": "{cell} 已出现在第 {line} 行",
    "a product without options has one variant, and it is on line {line}": (
        "没有规格项的商品只有一个规格，它已在第 {line} 行"
    ),
    "{cell} already stands on line {line}; the rows of a product must follow one another": (
        "{cell} 已出现在第 {line} 行；同一商品的各行必须连续"
    ),
    "a cell is too long, perhaps for want of a closing quote; nothing below this row was read": (
        "单元格过长，可能缺少结束引号；文件自该行起未再读取"
    ),
    "not CSV: a quoted cell is not closed before the file ends": (
        "不是有效的 CSV：直到文件结尾引号都没有闭合"
    ),
    "not CSV: {detail}": "不是有效的 CSV（{detail}）",
    "columns {one} and {other} say the same": "{one} 与 {other} 两列含义相同",
    "the header lacks the columns {columns}": "表头缺少以下列：{columns}",
    "the header lacks the columns {columns}; columns must be separated by commas, not by {found}": (
        "表头缺少以下列：{columns}；各列须用逗号分隔，而不是 {found}"
    ),
    "it is not UTF-8 text; save it as CSV in UTF-8": "不是 UTF-8 文本，请另存为 UTF-8 编码的 CSV",
    "its header is not CSV: {detail}": "表头不是有效的 CSV（{detail}）",
    "it is empty": "文件为空",
    "the variant is new, and the file has no columns for its options": (
        "这是新的规格，而文件没有相应的规格项列"
    ),
    "{cell} belongs to the stored variant {name}, which is not in the file": (
        "{cell} 属于已有的规格 {name}，而该规格不在文件中"
    ),
    "the database refused the product: {detail}": "数据库拒绝了该商品（{detail}）",
    "the shop prices in {currency} now; start the import again": (
        "店铺现以 {currency} 计价，请重新开始导入"
    ),
    "it was begun {count} times and never came to its end": "已尝试 {count} 次，始终未能完成",
    "something went wrong on our side; nothing more is written": "我方出现故障，导入已停止写入",
    "the file is no longer here; upload it again": "文件已不存在，请重新上传",
}
"""A reason as the code writes it -> the same clause."""
