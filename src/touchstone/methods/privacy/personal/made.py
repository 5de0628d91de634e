"""Sentences with personal information that belongs to nobody, and sentences that only look like it: for controls.

Numbers are drawn by lot and made to add up; that one of them is somebody's cannot be excluded, but nothing ties them
together. Every piece is labelled with its kind and place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from touchstone.methods.privacy.personal.check_digits import PROVINCES, iban_digits, luhn_digit, resident_digit

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence and the kinds and places of what is personal in it: `(kind, start, end)`."""

    text: str
    items: tuple[tuple[str, int, int], ...]


SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹"
    "彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志宇浩雪婷晨欣怡子轩梓涵博文思远佳琪俊雨泽"
ENGLISH_GIVEN = [
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "Sarah",
    "Karen",
    "Daniel",
    "Nancy",
    "Oliver",
    "Emma",
    "Liam",
    "Sophia",
]
ENGLISH_FAMILY = [
    "Smith",
    "Johnson",
    "Williams",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Wilson",
    "Anderson",
    "Taylor",
    "Moore",
    "Jackson",
    "Martin",
    "Thompson",
    "Okafor",
    "Nguyen",
    "McCarthy",
]
PLACES = (
    "北京市海淀区",
    "上海市浦东新区",
    "广东省深圳市南山区",
    "浙江省杭州市西湖区",
    "四川省成都市武侯区",
    "江苏省南京市鼓楼区",
)
ROADS = ("中山路", "人民路", "解放大道", "建设街", "文化路", "长江路", "学院路")
STREETS = ("Main Street", "Oak Avenue", "Park Road", "Maple Drive", "Cedar Lane", "Washington Blvd")
PROVINCE_MARKS = "京津冀晋辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云陕甘"
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SENTENCES: dict[Language, tuple[str, ...]] = {
    "zh": (
        "患者{name-zh}，身份证号{resident-id}，于昨日入院。",
        "请联系{name-zh}先生，电话{phone-cn}。",
        "联系人：{name-zh}，手机：{phone-cn}，邮箱：{email}。",
        "收货地址为{address-cn}，请在工作日送达。",
        "车牌{plate-cn}的车辆在路口违章停车。",
        "退款将在三日内退回银行卡{bank-card}。",
        "病历号：{medical-record-number}，复查结果正常。",
        "出生日期：{date-of-birth-zh}，性别女。",
        "昨晚从{ip-address}登录后台的账号已被冻结。",
        "客户的护照{passport}已经过期。",
        "{name-zh}女士反映住在{address-cn}，夜间噪声很大。",
        "如有疑问可拨打{phone-cn}或发邮件至{email}。",
    ),
    "en": (
        "Patient {name-en} was admitted yesterday, MRN: {medical-record-number}.",
        "Please contact {name-en} at {email} or call {phone-us}.",
        "My social security number is {social-security-number}.",
        "The parcel goes to {address-en}, ring twice.",
        "Charge the card {bank-card} at the end of the month.",
        "Transfer the fee to {iban} before Friday.",
        "She was born on {date-of-birth-en} and moved later.",
        "The request came from {ip-address} at night.",
        "Device {mac-address} went offline this morning.",
        "Her passport {passport} expires soon.",
        "Reach the office abroad at {phone-international}.",
        "Dr. {name-en} will see you at noon.",
    ),
}
HARMLESS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "本季度订单编号{wrong-id}已完成，共计{number}件。",
        "模型在{number}条样本上的准确率为百分之九十七。",
        "高温天气持续，请注意用电安全，建议调低空调。",
        "版本号{version}修复了若干问题，参见第{short}号公告。",
        "先生们女士们，大会将于今天上午在主会场开幕。",
        "流水号{wrong-card}对应的设备序列已经归档。",
        "道路施工期间，主干道限速每小时{short}公里。",
        "方案由三部分组成：数据治理、模型测评与持续监测。",
    ),
    "en": (
        "Order {wrong-id} was completed with {number} parts.",
        "The model reached an accuracy of 97 percent on {number} samples.",
        "Release {version} fixes several issues, see section {short}.",
        "Serial {wrong-card} belongs to a retired device.",
        "The New York Times reported on Monday about the United Nations.",
        "Central Park and Main Street were closed for the parade.",
        "At 12:30:45 the job took {number} ms and used {short} threads.",
        "Contact the help desk if the machine learning pipeline stalls.",
    ),
}


def sentence(generator: np.random.Generator, language: Language, *, personal: bool = True) -> Labelled:
    """One sentence drawn by lot, with personal information in it or with none."""
    templates = (SENTENCES if personal else HARMLESS)[language]
    text, items = "", []
    template = templates[int(generator.integers(len(templates)))]
    for number, piece in enumerate(_pieces(template)):
        if number % 2 == 0:
            text += piece
            continue
        value = MAKERS[piece](generator)
        kind = piece.removesuffix("-zh").removesuffix("-en") if piece.startswith(("name", "date")) else piece
        if personal:
            items.append((kind, len(text), len(text) + len(value)))
        text += value
    return Labelled(text, tuple(items))


def _pieces(template: str) -> list[str]:
    """Words and names of makers in turns."""
    return template.replace("}", "{").split("{")


def _digits(generator: np.random.Generator, count: int) -> str:
    return "".join(map(str, generator.integers(0, 10, size=count)))


def _one(generator: np.random.Generator, among: str | tuple[str, ...] | list[str]) -> str:
    return among[int(generator.integers(len(among)))]


def _day(generator: np.random.Generator) -> tuple[int, int, int]:
    return int(generator.integers(1940, 2015)), int(generator.integers(1, 13)), int(generator.integers(1, 29))


def _resident_id(generator: np.random.Generator) -> str:
    year, month, day = _day(generator)
    first = f"{_one(generator, sorted(PROVINCES))}{generator.integers(1, 30):02d}{generator.integers(1, 30):02d}"
    first += f"{year}{month:02d}{day:02d}{generator.integers(1000):03d}"
    return first + resident_digit(first)


def _wrong_id(generator: np.random.Generator) -> str:
    """Looks like an identity number, but does not add up."""
    right = _resident_id(generator)
    return right[:-1] + str((int(right[-1]) + 1) % 10 if right[-1] != "X" else 0)


def _card(generator: np.random.Generator) -> str:
    prefix = _one(generator, ("622202", "621700", "411111", "520082"))
    first = prefix + _digits(generator, 12 if prefix.startswith("62") else 9)
    number = first + luhn_digit(first)
    grouped = generator.random() < 0.5 and len(number) == 16
    return " ".join(number[i : i + 4] for i in range(0, 16, 4)) if grouped else number


def _wrong_card(generator: np.random.Generator) -> str:
    right = _card(generator).replace(" ", "")
    return right[:-1] + str((int(right[-1]) + 1) % 10)


def _iban(generator: np.random.Generator) -> str:
    account = _digits(generator, 18)
    code = f"DE{iban_digits('DE', account)}{account}"
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4)) if generator.random() < 0.5 else code


def _name_zh(generator: np.random.Generator) -> str:
    return _one(generator, SURNAMES) + "".join(_one(generator, GIVEN) for _ in range(int(generator.integers(1, 3))))


def _name_en(generator: np.random.Generator) -> str:
    return f"{_one(generator, ENGLISH_GIVEN)} {_one(generator, ENGLISH_FAMILY)}"


def _plate(generator: np.random.Generator) -> str:
    start = _one(generator, PROVINCE_MARKS) + _one(generator, PLATE_LETTERS)
    if generator.random() < 0.3:
        return f"{start}D{_digits(generator, 5)}"
    return f"{start}{_one(generator, ('', '·'))}{_one(generator, PLATE_LETTERS)}{_digits(generator, 4)}"


def _phone_cn(generator: np.random.Generator) -> str:
    if generator.random() < 0.2:
        return f"0{_one(generator, ('10', '21', '755', '571'))}-{generator.integers(2, 9)}{_digits(generator, 7)}"
    number = f"1{_one(generator, ('38', '39', '50', '86', '77', '99'))}{_digits(generator, 8)}"
    return f"{number[:3]} {number[3:7]} {number[7:]}" if generator.random() < 0.2 else number


def _phone_us(generator: np.random.Generator) -> str:
    return f"{generator.integers(201, 990)}-{generator.integers(200, 1000)}-{_digits(generator, 4)}"


def _email(generator: np.random.Generator) -> str:
    user = _one(generator, ENGLISH_GIVEN).lower() + _one(generator, (".", "_", "")) + _digits(generator, 3)
    return f"{user}@{_one(generator, ('example.com', 'mail.example.org', 'example.cn', 'example.co.uk'))}"


def _address_cn(generator: np.random.Generator) -> str:
    place, road = _one(generator, PLACES), _one(generator, ROADS)
    return f"{place}{road}{generator.integers(1, 400)}号{_one(generator, ('', '3号楼', '2单元501室'))}"


def _birth_zh(generator: np.random.Generator) -> str:
    year, month, day = _day(generator)
    return f"{year}年{month}月{day}日" if generator.random() < 0.5 else f"{year}-{month:02d}-{day:02d}"


MAKERS: dict[str, Callable[[np.random.Generator], str]] = {
    "resident-id": _resident_id,
    "wrong-id": _wrong_id,
    "bank-card": _card,
    "wrong-card": _wrong_card,
    "iban": _iban,
    "name-zh": _name_zh,
    "name-en": _name_en,
    "plate-cn": _plate,
    "phone-cn": _phone_cn,
    "phone-us": _phone_us,
    "phone-international": lambda g: f"+44 20 {_digits(g, 4)} {_digits(g, 4)}",
    "email": _email,
    "address-cn": _address_cn,
    "address-en": lambda g: f"{g.integers(1, 9999)} {_one(g, STREETS)}",
    "medical-record-number": lambda g: _digits(g, 8),
    "date-of-birth-zh": _birth_zh,
    "date-of-birth-en": lambda g: "-".join(f"{each:02d}" for each in _day(g)),
    "ip-address": lambda g: f"{g.integers(128, 224)}.{g.integers(256)}.{g.integers(256)}.{g.integers(1, 255)}",
    "mac-address": lambda g: ":".join(f"{each:02X}" for each in g.integers(256, size=6)),
    "passport": lambda g: f"E{_digits(g, 8)}",
    "social-security-number": lambda g: f"{g.integers(100, 660)}-{g.integers(10, 99)}-{g.integers(1000, 9999)}",
    "number": lambda g: str(g.integers(10_000, 10_000_000)),
    "short": lambda g: str(g.integers(2, 99)),
    "version": lambda g: f"{g.integers(1, 9)}.{g.integers(20)}.{g.integers(20)}",
}
