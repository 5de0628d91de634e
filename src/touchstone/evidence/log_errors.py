"""What the log has to complain about, in both languages: `touchstone.tlog` itself speaks English only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from touchstone.errors import EvidenceError
from touchstone.text import Text
from touchstone.tlog.errors import TlogError

CHINESE: Final = {
    "answers without a cosignature of its key": "的应答中没有其密钥的联署签名",
    "asks for more members than the group has, or for none": "组的门限超过成员数或为零",
    "cannot be reached": "无法连接",
    "cannot be read": "无法读取",
    "does not add up to the root in the checkpoint": "与检查点中的根不符",
    "does not exist": "不存在",
    "does not hold the hashes of its entries": "所含哈希与记录不符",
    "ends before its last entry": "在最后一条记录之前结束",
    "gives a key of the wrong kind: logs sign with 01, witnesses with 04": "密钥类型不对：日志为 01，见证方为 04",
    "gives a key that an earlier line gives": "密钥与前面的行重复",
    "gives a name a second time": "名称重复",
    "goes on behind its last entry": "在最后一条记录之后仍有数据",
    "has a line that is no signature": "含有不是签名的行",
    "has grown since the witnesses were asked: ask again": "请求见证后日志又有增长，请重新请求",
    "has seen a larger tree of this log than there is here: it was rolled back": "见过本日志更大的树：此处日志曾被回退",
    "has seen another tree of this log: it was forked": "见过本日志的另一棵树：日志已分叉",
    "has the wrong length for a tile": "瓦片长度不对",
    "has the wrong number of words": "词数不对",
    "holds a log already": "已存在日志",
    "holds base64 in another than its canonical form": "base64 文本不是规范形式",
    "holds control characters": "含有控制字符",
    "holds entries that do not add up to its checkpoint": "所含记录与其检查点不符",
    "holds text that is not base64": "含有非 base64 文本",
    "is a verifier key whose id is not its own": "验证密钥的标识与密钥不符",
    "is longer than the 65535 bytes an entry may have": "超过单条记录 65535 字节的上限",
    "is missing": "缺失",
    "is no folder that can be written to": "不是可写入的文件夹",
    "is no line of a policy": "不是策略文件的行",
    "is no name for a key: no white space and no '+'": "不能作为密钥名称：不得含空白或 +",
    "is no name for a log: use letters, digits, '.', '-', '_' and '/'": (
        "不能作为日志名称：只能使用字母、数字和 . - _ /"
    ),
    "is no transparency log: it has no checkpoint": "不是透明日志：其中没有检查点",
    "is not a checkpoint of the database beside it": "不是旁边数据库的检查点",
    "is not a signed note": "不是签名的 note",
    "is not a tlog-proof": "不是 tlog-proof",
    "is not a verifier key (name+id+key) of a known algorithm": "不是已知算法的验证密钥（名称+标识+密钥）",
    "is not a regular file": "不是普通文件",
    "is not an add-checkpoint request": "不是 add-checkpoint 请求",
    "is not an http or https address": "不是 http 或 https 地址",
    "is not signed": "没有签名",
    "is not signed by the key given for the log": "不是由所给的日志密钥签名",
    "is not the checkpoint of a log": "不是日志检查点",
    "is not the database of a log, or is damaged": "不是日志数据库，或已损坏",
    "is not the database of a witness, or is damaged": "不是见证方数据库，或已损坏",
    "is older than the published checkpoint: to go on from a restored backup would fork the log": (
        "早于已发布的检查点：从恢复的备份继续会使日志分叉"
    ),
    "is too large for a policy": "超出策略文件的大小上限",
    "names a second quorum": "重复指定法定数",
    "names no quorum": "未指定法定数",
    "names what no earlier line defines": "引用了前面未定义的名称",
    "puts a member into a second group": "把同一成员放入第二个组",
    "refuses to cosign": "拒绝联署",
    "was begun under another name or key": "曾以另一名称或密钥新建",
}

REMEDIES: Final = {
    "holds a log already": Text("choose a new folder", "请换一个新文件夹"),
    "is no folder that can be written to": Text("choose another folder", "请另选目录"),
    "is no transparency log: it has no checkpoint": Text(
        "`touchstone log create` begins one", "可用 `touchstone log create` 新建"
    ),
    "is not a signed note": Text("give a checkpoint as the log published it", "请指定日志所公布的检查点文件"),
    "is not signed by the key given for the log": Text(
        "give the key the log was begun with", "请使用创建该日志时的密钥"
    ),
}
"""What to do, where there is one thing to do."""


@contextmanager
def log_errors() -> Iterator[None]:
    """Raise what the log complains about as an `EvidenceError`."""
    try:
        yield
    except TlogError as error:
        raise EvidenceError(Text(error.what, CHINESE[error.what]), error.where, REMEDIES.get(error.what)) from None
