"""What somebody answers for is set apart, with a reason and for a time; everything else stays as it was."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.scan.made import digest, file, finding, gap, result
from touchstone.scan.allow_file import AllowFileError, read_allow_file, symbol_of, with_allowed
from touchstone.scan.baseline import baseline
from touchstone.scan.findings import FileResult, ScanResult

TODAY = date(2026, 11, 26)
EVIL = file("models/evil.pkl", findings=(finding("models/evil.pkl"), finding("models/evil.pkl!in", shown="a.b")))
DRAWING = file("docs/x.psd", gaps=(gap("docs/x.psd"),))
REASON = "    reason: reviewed\n    expires: 2027-01-31\n"


def entries(tmp_path: Path, *texts: str) -> Path:
    path = tmp_path / "allow.yaml"
    path.write_text("schema: touchstone.allow/v1\nallow:\n" + "".join(texts), encoding="utf-8")
    return path


def judged(tmp_path: Path, text: str, *files: FileResult, today: date = TODAY) -> ScanResult:
    path = entries(tmp_path, f"  - {text}\n{REASON}")
    return with_allowed(result(*(files or (EVIL, DRAWING))), read_allow_file(path), today)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("rule: link/leads-out", 0),
        ("rule: link/to-folder", 2),
        ("rule: link/leads-out\n    where: models/evil.pkl", 0),
        ("rule: link/leads-out\n    where: 'models/*'", 0),
        ("rule: link/leads-out\n    where: '*.pkl!*'", 1),
        ("rule: link/leads-out\n    where: '*.pt'", 2),
        ("rule: link/leads-out\n    where: evil.pkl", 2),
        ("rule: link/leads-out\n    shown: os.system('id')", 1),
        ("rule: link/leads-out\n    shown: os.system", 2),
        ("rule: link/leads-out\n    symbol: os.system", 1),
        ("rule: link/leads-out\n    symbol: os.sys", 2),
        (f"rule: link/leads-out\n    sha256: {digest('models/evil.pkl')}", 0),
        (f"rule: link/leads-out\n    sha256: {'f' * 64}", 2),
        (f"rule: link/leads-out\n    sha256: {digest('models/evil.pkl')}\n    symbol: a.b", 1),
        ("gap: format\n    where: '*'", 2),
    ],
)
def test_every_field_of_an_entry_must_fit(tmp_path: Path, text: str, left: int) -> None:
    found, _ = judged(tmp_path, text).files
    assert len(found.findings) == left
    assert len(found.allowed) == 2 - left


def test_what_is_allowed_stays_with_its_reason(tmp_path: Path) -> None:
    allowed = judged(tmp_path, "rule: link/leads-out\n    by: A. Person").files[0].allowed
    assert [(each.item, each.reason, each.by, each.expires) for each in allowed] == [
        (item, "reviewed", "A. Person", "2027-01-31") for item in EVIL.findings
    ]


def test_a_file_all_of_whose_findings_are_answered_for_is_accepted_not_clean(tmp_path: Path) -> None:
    assert [each.verdict for each in judged(tmp_path, "rule: link/leads-out").files] == ["accepted", "incomplete"]
    assert [each.verdict for each in judged(tmp_path, "gap: format\n    where: 'docs/*'").files] == [
        "unsafe",
        "accepted",
    ]


def test_an_entry_counts_until_the_end_of_its_last_day_and_is_then_remarked_upon(tmp_path: Path) -> None:
    last_day = judged(tmp_path, "rule: link/leads-out", today=date(2027, 1, 31))
    assert (last_day.files[0].verdict, last_day.notes) == ("accepted", ())
    next_day = judged(tmp_path, "rule: link/leads-out", today=date(2027, 2, 1))
    assert next_day.files == (EVIL, DRAWING)
    assert "allow.yaml:3: expired on 2027-01-31" in next_day.notes[0].en


def test_an_entry_nothing_needs_is_remarked_upon(tmp_path: Path) -> None:
    (note,) = judged(tmp_path, "rule: link/leads-out\n    where: gone.pkl").notes
    assert "allow.yaml:3: nothing that was found needs this entry" in note.en


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule: link/leads-out\n    expires: 2027-01-31\n", "3: gives no reason"),
        ("rule: link/leads-out\n    reason: ' '\n    expires: 2027-01-31\n", "4: gives no reason"),
        ("rule: link/leads-out\n    reason: x\n", "3: expires is not a day"),
        ("rule: link/leads-out\n    reason: x\n    expires: 2027-02-30\n", "5: expires is not a day"),
        ("rule: link/leads-out\n    reason: x\n    expires: never\n", "5: expires is not a day"),
        (f"where: x\n{REASON}", "3: names neither or both of rule and gap"),
        (f"rule: a/b\n    gap: format\n    where: x\n{REASON}", "3: names neither or both of rule and gap"),
        (f"rule: everything\n{REASON}", "3: rule is not the id of a rule"),
        (f"gap: any\n    where: x\n{REASON}", "3: gap is none of"),
        (f"gap: format\n{REASON}", "3: a gap needs where or sha256"),
        (f"gap: format\n    where: x\n    symbol: a.b\n{REASON}", "5: symbol belongs to a finding"),
        (f"rule: a/b\n    sha256: abc\n{REASON}", "4: sha256 is not 64 hexadecimal digits"),
        (f"rule: a/b\n    symbol: system\n{REASON}", "4: symbol is not a dotted name"),
        (f"rule: a/b\n    by: 7\n{REASON}", "4: by is not one line of text"),
        (f"rule: a/b\n    until: x\n{REASON}", "4: has the unknown field 'until'"),
        ("just text\n", "3: is not an entry with fields"),
    ],
)
def test_a_file_that_cannot_be_relied_on_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AllowFileError) as refused:
        read_allow_file(entries(tmp_path, f"  - {text}"))
    assert f"allow.yaml:{said}" in str(refused.value)


def test_the_same_twice_is_refused(tmp_path: Path) -> None:
    entry = f"  - rule: a/b\n    where: x\n{REASON}"
    with pytest.raises(AllowFileError, match=r"allow.yaml:7: allows the same as the entry on line 3"):
        read_allow_file(entries(tmp_path, entry, entry.replace("reviewed", "again")))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(AllowFileError) as refused:
        read_allow_file(entries(tmp_path, "  - rule: a/b\n", "  - gap: format\n"))
    assert len(refused.value.problems) == 5


@pytest.mark.parametrize("text", ["", "[]", "schema: other\nallow: []\n", "schema: touchstone.allow/v1\n", "{"])
def test_what_is_no_allow_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "allow.yaml").write_text(text)
    with pytest.raises(AllowFileError):
        read_allow_file(tmp_path / "allow.yaml")


def test_json_is_read_as_well(tmp_path: Path) -> None:
    value = {"schema": "touchstone.allow/v1", "allow": [{"rule": "a/b", "reason": "x", "expires": "2027-01-31"}]}
    (tmp_path / "allow.json").write_text(json.dumps(value))
    assert [entry.rule for entry in read_allow_file(tmp_path / "allow.json").entries] == ["a/b"]


def test_a_baseline_is_refused_until_its_reasons_are_given_and_then_allows_just_what_was_found(tmp_path: Path) -> None:
    odd = file("a[1]*.pkl", findings=(finding("a[1]*.pkl", shown='say "x" \\u202e'),), gaps=(gap("a[1]*.pkl!b"),))
    scanned = result(EVIL, DRAWING, odd)
    path = tmp_path / "baseline.yaml"
    path.write_bytes(baseline(scanned, date(2027, 1, 31)))
    with pytest.raises(AllowFileError) as refused:
        read_allow_file(path)
    assert len(refused.value.problems) == 5
    path.write_text(path.read_text("utf-8").replace('reason: ""', "reason: looked at"), encoding="utf-8")
    allowed = with_allowed(scanned, read_allow_file(path), TODAY)
    assert [each.verdict for each in allowed.files] == ["accepted", "accepted", "accepted"]
    assert allowed.notes == ()
    changed = file("models/evil.pkl2", findings=(finding("models/evil.pkl2"),))
    assert with_allowed(result(changed), read_allow_file(path), TODAY).files == (changed,)


def test_a_baseline_of_nothing_allows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "baseline.yaml"
    path.write_bytes(baseline(result(file("x")), TODAY))
    assert read_allow_file(path).entries == ()


@pytest.mark.parametrize(
    ("shown", "symbol"),
    [("os.system('id')", "os.system"), ("a.b.C", "a.b.C"), ("'os.system'", ""), ("system(1)", ""), ("", "")],
)
def test_the_symbol_of_a_finding_is_the_name_it_begins_with(shown: str, symbol: str) -> None:
    assert symbol_of(finding("x", shown=shown)) == symbol
