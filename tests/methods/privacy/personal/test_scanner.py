import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from touchstone.checks.data_security.recognisers import compiled
from touchstone.methods.privacy.personal import Scanner, masked
from touchstone.methods.privacy.personal.made import sentence
from touchstone.methods.privacy.personal.scanner import Recogniser
from touchstone.standard.pack import Pack

PACK = Path(__file__).parents[4] / "src/touchstone/standard/packs/personal-information.yaml"


@pytest.fixture(scope="module")
def scanner():
    pack = Pack.model_validate(yaml.safe_load(PACK.read_text(encoding="utf-8")))
    lists = {name: frozenset(entry.words.split()) for name, entry in pack.words.items()}
    return Scanner(compiled(name, entry, lists) for name, entry in pack.personal_information.items())


def found(scanner, text, column=""):
    return [(finding.kind, text[finding.start : finding.end]) for finding in scanner.scan(text, column)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("身份证号11010519491231002X。", [("resident-id", "11010519491231002X")]),
        ("编号110105194912310020。", []),
        ("电话：138 1234 5678转12", [("phone-cn", "138 1234 5678转12")]),
        ("座机010-62345678", [("phone-cn", "010-62345678")]),
        ("新能源车粤BD12345驶入", [("plate-cn", "粤BD12345")]),
        ("写信给li.lei@example.com。", [("email", "li.lei@example.com")]),
        ("联系人：欧阳修文，", [("name-zh-labelled", "欧阳修文")]),
        ("请王芳女士到三号窗口", [("name-zh-titled", "王芳")]),
        (
            "家住浙江省杭州市西湖区文三路90弄12号2单元501室",
            [("address-cn", "浙江省杭州市西湖区文三路90弄12号2单元501室")],
        ),
        ("Ask Dr. Strange about it", [("name-en-titled", "Strange")]),
        ("at 221B Baker Street, London", [("address-en", "221B Baker Street, London")]),
        ("call (415) 555-2671 now", [("phone-us", "415) 555-2671")]),
        ("00:1B:44:11:3A:B7 joined", [("mac-address", "00:1B:44:11:3A:B7")]),
        ("from 2001:db8:0:1::17 again", [("ipv6-address", "2001:db8:0:1::17")]),
        ("At 12:30:45 version 1.20.3 took 127.0.0.1", []),
        ("New York Times, Central Park, 3.14159265358979", []),
    ],
)
def test_one_text(scanner, text, expected):
    assert found(scanner, text) == expected


def test_a_column_of_names_needs_no_other_context(scanner):
    assert found(scanner, "李雷", "姓名") == [("name-zh-column", "李雷")]
    assert found(scanner, "李雷", "产品") == []
    assert found(scanner, "安全", "备注") == []


def test_context_raises_what_is_not_enough_alone(scanner):
    assert found(scanner, "参见E12345678") == []
    assert found(scanner, "护照E12345678") == [("passport", "E12345678")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_made_sentences_are_found_and_harmless_ones_are_not(scanner, language):
    generator = np.random.default_rng(7)
    for _ in range(200):
        made = sentence(generator, language)
        places = [(finding.start, finding.end) for finding in scanner.scan(made.text)]
        assert all(any(low < end and start < high for low, high in places) for _, start, end in made.items), made.text
    harmless = [sentence(generator, language, personal=False).text for _ in range(200)]
    assert sum(bool(scanner.scan(text)) for text in harmless) <= 2


PIECES = st.sampled_from(
    [
        "电话13812345678",
        "姓名：李雷",
        "Dr. Mary Smith",
        "a.b@example.com",
        "4111 1111 1111 1111",
        "路5号",
        "\n",
        " ",
        "\ud800",
        "𠀀",
    ]
)


@given(st.lists(st.tuples(st.lists(PIECES | st.text(max_size=8)).map("".join), st.sampled_from(["", "姓名", "x"]))))
def test_texts_together_give_what_each_gives_alone(scanner, cells):
    texts, columns = [text for text, _ in cells], [column for _, column in cells]
    alone = {number: found for number, cell in enumerate(cells) if (found := scanner.scan(*cell))}
    assert scanner.scan_all(texts, columns) == alone


def test_texts_together_do_not_run_into_each_other(scanner):
    parts = ["电话138", "12345678", "Mary", "Smith", "护照", "E12345678", "李雷先生"]
    assert list(scanner.scan_all(parts, [""] * len(parts))) == [6]
    assert scanner.scan_all([], []) == {}


def test_what_only_columns_hold_is_not_looked_for_outside_them():
    scanner = Scanner([Recogniser("word", "[a-z]+", 0.9, 0.9, columns_only=True)])
    assert list(scanner.scan_all(["abc", "abc"], ["", "name"])) == [1]


def test_context_decides_between_kinds_that_overlap():
    kinds = [Recogniser("long", "[0-9]{6,}", 0.6, 0.6), Recogniser("near", "[0-9]{4}", 0.5, 0.9, context=("PIN",))]
    assert found(Scanner(kinds), "123456") == [("long", "123456")]
    assert found(Scanner(kinds), "pin 123456") == [("near", "1234")]


def test_a_long_text_is_searched_to_its_end(scanner):
    text = "x" * 32_760 + " 13812345678 " + "是" * 65_000 + "11010519491231002X"
    assert [kind for kind, _ in found(scanner, text)] == ["phone-cn", "resident-id"]


OVERLAPPING = Scanner(
    [
        Recogniser("digits", "[0-9]+", 0.9, 0.9),
        Recogniser("words", "[a-z0-9]+", 0.6, 0.6, anchor="[a-z]", back=3),
    ]
)


@given(st.text(max_size=200))
def test_findings_lie_in_the_text_in_order_and_apart(text):
    findings = OVERLAPPING.scan(text)
    assert all(0 <= each.start < each.end <= len(text) for each in findings)
    assert all(one.end <= other.start for one, other in pairwise(findings))


@given(st.text())
def test_a_mask_keeps_no_digit_and_no_letter(text):
    assert not re.search("[0-8a-wyzA-Z一-枏枑-龥]", masked(text).replace("某", ""))
    assert len(masked(text)) == len(text)
