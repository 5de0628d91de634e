"""Labels that people read in a text: at its beginning, at its end, or on a line of their own.

GB 45438-2025 (5.1) asks for a text or a superscript with `人工智能` or `AI` and with `生成` or `合成`, at the
beginning, the end or a fitting place of the text. A sentence that merely speaks of generated content is no label: what
counts is a piece of text that says nothing else. Pieces are compared after Unicode's compatibility normalisation,
without capitals and without characters that nobody sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

LONGEST_WORDING: Final = 80
"""Signs of a label in one's own words; what is longer is text that speaks of it."""

_LINES = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_ENDS = re.compile(r"(?<=\w)[.!?](?=\s|$)|[。！？；;:：!?…|·•—–]+|\s-\s|[*_#>~`=]+")
_BRACKETS = re.compile(r"[【】\[\]()（）<>〈〉《》「」『』〔〕{}]")
_SUPERSCRIPT = "ᴬᴵ"
"""Stands by itself wherever it stands."""
_EDGES = " \t\"'“”‘’,，、.。-"

_AI = r"(?:人工智能|ai)"
_MADE = r"(?:生成合成|生成及合成|生成和合成|生成与合成|生成/合成|生成|合成)"
_THING = r"(?:内容|文本|文字|文章|文档|文件|回答|回复|答案|报告|摘要|图片|图像|图|音频|语音|视频|画面|作品|结果|信息)"
_RELIABLE = "(?:真实|准确|完整|可靠|正确|性|与|和|及)+"
_CHINESE_RESERVE = (
    r"(?:(?:以上|重要)?(?:内容|信息|回答|结果)?(?:仅供参考|(?:请|注意|仔细|谨慎|自行|务必|进行)+(?:甄别|核实|核对|查证|辨别|判断)"
    r"|可能(?:有误|出错|不准确|(?:存在|包含|含有)错误)|不代表\w{1,8}(?:立场|观点)|未经(?:人工)?(?:审核|核实|校对)"
    rf"|(?:无法|不能|不)(?:完全)?(?:确保|保障|保证)(?:其|内容|信息|的)*{_RELIABLE}))"
)
_CHINESE = re.compile(
    rf"(?:提示|注|声明|说明)?(?:本|该|此|以上|以下|上述|下述|全部)?{_THING}?(?:均|全部|皆)?(?:由|经|系|为|是|使用|利用|通过)?"
    rf"{_AI}(?:大模型|模型|技术|助手|系统|工具)?(?:自动|辅助)?{_MADE}(?:的)?{_THING}?"
    rf"(?:[,、]?{_CHINESE_RESERVE})*"
)
_NOUN = r"(?:content|text|answer|reply|response|article|document|report|summary|image|picture|audio|speech|video)s?"
_MODEL = r"(?:an? )?(?:ai|artificial intelligence)(?: (?:model|system|assistant|tool))?"
_ENGLISH_RESERVE = (
    r"(?:for reference only|please (?:verify|check)(?: (?:it|important information))?|check important info(?:rmation)?"
    r"|(?:and )?(?:it |they )?(?:may|might|can) (?:(?:contain|include) (?:errors|mistakes|inaccuracies)|make mistakes"
    r"|be (?:wrong|incorrect|inaccurate)|not (?:always )?be (?:accurate|correct|reliable))"
    r"|not (?:reviewed|checked|verified)(?: by (?:a human|humans|people))?)"
)
_ENGLISH = re.compile(
    rf"(?:note )?(?:(?:this|these|all|the above|the following|all of the above)(?: {_NOUN})?|{_NOUN})? ?"
    r"(?:(?:is|was|are|were|has been|have been) )?(?:entirely |fully |automatically )?"
    r"(?:ai[- ](?:generated|synthesi[sz]ed|created)"
    rf"|(?:generated|created|produced|synthesi[sz]ed) (?:by|with|using) {_MODEL})(?: {_NOUN})?"
    rf"(?:,? {_ENGLISH_RESERVE})*"
)
_RESERVE = re.compile(rf"(?:{_CHINESE_RESERVE}[,、]?)+|{_ENGLISH_RESERVE}")
"""What labels add about how far the text can be relied on; alone it says nothing of who made it."""
_SAYS_AI = re.compile(r"人工智能|artificial intelligence|(?<![a-z])ai(?![a-z])")
_SAYS_MADE = re.compile(r"生成|合成|generated|synthesi[sz]ed|created|produced")
_DENIES = re.compile(r"非|不是|没有|未|无|\b(?:not?|never|without|non)\b|n't")
_CLAUSES = re.compile(r"[,、;:。.!?()|]+")
_ANSWERS_NO = re.compile("否|不是?|无|不适用|no|not|none|never|false|n/a")


def is_wording(text: str) -> bool:
    """Whether a label in one's own words says what it has to: that a machine made this, and does not deny it.

    What it goes on to say may hold a no: that it was not checked, that nothing is promised.
    """
    plain = _plain(text)
    clauses = [clause.strip() for clause in _CLAUSES.split(plain)]
    said = [end for clause in (*clauses, plain) if (end := _said_up_to(clause)) is not None]
    return (
        bool(said)
        and len(plain) <= LONGEST_WORDING
        and not _DENIES.search(said[0])
        and not any(map(_ANSWERS_NO.fullmatch, clauses))
    )


def _said_up_to(clause: str) -> str | None:
    """The part of a clause in which it says that a machine made this, if it does."""
    ends = [found.end() for pattern in (_SAYS_AI, _SAYS_MADE) if (found := pattern.search(clause))]
    return clause[: max(ends)] if len(ends) == 2 else None


def text_label(text: str, wordings: Sequence[str] = ()) -> str | None:
    """The label that a reader of `text` meets, or `None`. `wordings` are labels in the product's own words."""
    own = [pieces for wording in wordings if is_wording(wording) and (pieces := _pieces(_plain(wording)))]
    lines = [_plain(line) for line in _LINES.split(text.replace(_SUPERSCRIPT, "\n" + _SUPERSCRIPT))]
    lines = [line for line in lines if line.strip(_EDGES)]
    if not lines:
        return None
    if alone := next((line for line in lines if _is_label(_pieces(line), own)), None):
        return alone
    first, last = _pieces(lines[0]), _without_reserve(_pieces(lines[-1]))
    longest = max([1, *map(len, own)])
    for length in range(1, longest + 1):
        for end in (first[:length], last[-length:]):
            if _is_label(end, own):
                return " ".join(end)
    return None


def _is_label(pieces: Sequence[str], own: Sequence[Sequence[str]]) -> bool:
    if list(pieces) in [list(each) for each in own]:
        return True
    pieces = _without_reserve(pieces)
    if len(pieces) != 1 or len(pieces[0]) > LONGEST_WORDING:
        return False
    return bool(_CHINESE.fullmatch(pieces[0].replace(" ", "")) or _ENGLISH.fullmatch(pieces[0]))


def _without_reserve(pieces: Sequence[str]) -> Sequence[str]:
    """The pieces but for those at the end that only say how far to rely on the text."""
    while len(pieces) > 1 and len(pieces[-1]) <= LONGEST_WORDING and _RESERVE.fullmatch(pieces[-1]):
        pieces = pieces[:-1]
    return pieces


def _pieces(line: str) -> list[str]:
    """The sentences and other parts of a line, without signs around them."""
    return [piece for part in _ENDS.split(_BRACKETS.sub("。", line)) if (piece := part.strip(_EDGES))]


def _plain(text: str) -> str:
    """One spelling of what looks the same."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Cc") or sign.isspace())
    return re.sub(r"[ \t\u00a0]+", " ", seen).strip()
