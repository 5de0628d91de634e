"""Which columns of a table hold what people may want to keep to themselves: told by their name or their content.

The classes follow Article 28 of the Personal Information Protection Law of China and Article 9 of the GDPR. Names and
numbers that identify a person are not among them: recognisers of their own look for those.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

FEWEST_VALUES = 20
"""Filled cells below which content tells nothing."""
ALIKE = 0.9
"""Share of the filled cells that must have the form."""
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class SensitiveClass:
    """One class: how columns that hold it are called, and, where it can be told, what their values look like."""

    sensitive: bool
    words: frozenset[str]
    """English, as whole words of a name; `two words` as neighbours."""
    chinese: tuple[str, ...]
    values: re.Pattern[str] | None = None


def _class(sensitive: bool, words: str, chinese: str, values: str | None = None) -> SensitiveClass:
    compiled = None if values is None else re.compile(values, re.IGNORECASE)
    return SensitiveClass(sensitive, frozenset(words.split(", ")), tuple(chinese.split("、")), compiled)


CLASSES: dict[str, SensitiveClass] = {
    "sex": _class(False, "sex, gender", "性别", r"male|female|[mf]|man|woman|男性?|女性?"),
    "age": _class(False, "age, birth, birthday, birthdate, dob", "年龄、出生、生日"),
    "family": _class(False, "marital, married, spouse, children, household", "婚姻、婚育、配偶、子女"),
    "income": _class(False, "income, salary, wage, wages, earnings", "收入、工资、薪资、薪酬"),
    "account": _class(
        True, "bank account, card number, account number, credit score, credit card", "银行账户、卡号、账户余额、征信"
    ),
    "ethnicity": _class(
        True,
        "race, ethnicity, ethnic, ethnic group",
        "民族、种族",
        r"汉族?|壮族|回族|满族|维吾尔族|苗族|藏族|彝族|蒙古族|土家族",
    ),
    "religion": _class(
        True,
        "religion, religious, faith",
        "宗教、信仰",
        r"christian|catholic|protestant|muslim|buddhist|hindu|jewish|atheist|佛教|道教|基督教|天主教|伊斯兰教",
    ),
    "politics": _class(True, "political, party membership, union membership", "政治面貌、党派、工会"),
    "orientation": _class(True, "sexual orientation, sexuality", "性取向"),
    "health": _class(
        True,
        "diagnosis, disease, illness, medication, symptom, symptoms, icd, icd10, hba1c, glucose, cholesterol, bmi, "
        "blood pressure, blood type, pregnant, pregnancy, hiv, disability, allergy, cancer, diabetes",
        "诊断、疾病、病史、症状、用药、血糖、血压、血型、胆固醇、怀孕、妊娠、残疾、过敏、糖尿病、肿瘤",
        r"[A-TV-Z][0-9][0-9AB](?:\.[0-9A-Z]{1,4})",
    ),
    "genetics": _class(True, "genome, genotype, gene, dna, snp", "基因、遗传", r"rs[0-9]{3,}|[ACGT]{12,}"),
    "biometrics": _class(
        True, "fingerprint, iris, faceprint, voiceprint, gait, retina, palm print", "指纹、虹膜、人脸、声纹、步态、掌纹"
    ),
    "location": _class(
        True,
        "latitude, longitude, lat, lon, lng, gps, trajectory, whereabouts",
        "经度、纬度、经纬度、轨迹、行踪",
        r"-?[0-9]{1,2}\.[0-9]{3,}[, ]+-?[0-9]{1,3}\.[0-9]{3,}",
    ),
    "record": _class(True, "criminal, conviction, arrest, arrests, prior offences", "犯罪、前科、违法记录"),
}
MOST_DISTINCT_WORDS = 12
"""Distinct values of a column that is told by words: more is text, not an attribute."""
BY_WORDS = frozenset({"sex", "ethnicity", "religion"})


def class_by_name(column: str) -> str | None:
    """The class that a column's name speaks of, or `None`."""
    parts = [part.casefold() for part in _PARTS.findall(column)]
    neighbours = {" ".join(pair) for pair in pairwise(parts)}
    for name, one in CLASSES.items():
        if one.words & (neighbours | set(parts)) or any(word in column for word in one.chinese):
            return name
    return None


def class_by_content(values: Sequence[str]) -> str | None:
    """The class that a column's values have the form of, or `None`."""
    filled = [value.strip() for value in values if value.strip()]
    distinct = set(filled)
    if len(filled) < FEWEST_VALUES or len(distinct) < 2:
        return None
    for name, one in CLASSES.items():
        if one.values is None or (name in BY_WORDS and len(distinct) > MOST_DISTINCT_WORDS):
            continue
        if sum(one.values.fullmatch(value) is not None for value in filled) >= ALIKE * len(filled):
            return name
    return None
