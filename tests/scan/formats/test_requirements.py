"""Requirements: what packages are needed, and where they would come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

COMMIT = "0123456789012345678901234567890123456789"
ORDINARY = f"""
# what we need
--index-url https://pypi.tuna.tsinghua.edu.cn/simple
--extra-index-url=https://download.pytorch.org/whl/cu121
torch==2.4.0
transformers[torch] >= 4.40, < 5 ; python_version < "3.13"  # a comment
numpy~=1.26
pillow (>=9.0)
requests==2.32.0 \\
    --hash=sha256:{"a" * 64}
fork @ git+https://github.com/a/b@{COMMIT}
-r base.txt
-e .
"""


def scan(text: str, name: str = "requirements.txt") -> FileResult:
    return scan_bytes(text.encode(), name)


def rules(text: str, name: str = "requirements.txt") -> dict[str, str]:
    return {finding.rule.removeprefix("requirements/"): finding.severity for finding in scan(text, name).findings}


def dependencies(text: str, name: str = "requirements.txt") -> set[str]:
    return {fact.value for fact in scan(text, name).facts if fact.name == "dependency"}


def test_ordinary_requirements_are_clean() -> None:
    result = scan(ORDINARY)
    assert (result.format, result.verdict, result.gaps) == ("requirements", "clean", ())
    assert dependencies(ORDINARY) >= {
        "torch==2.4.0",
        'transformers[torch]>=4.40,<5; python_version < "3.13"',
        "numpy~=1.26",
        "pillow>=9.0",
        "requests==2.32.0",
    }
    assert [(reference.path, reference.role) for reference in result.references] == [("base.txt", "data")]


@pytest.mark.parametrize(
    ("line", "rule", "severity"),
    [
        ("--extra-index-url https://packages.planted.example/simple", "other-index", "medium"),
        ("-i http://pypi.org/simple", "unprotected-address", "high"),
        ("--trusted-host packages.planted.example", "trusted-host", "medium"),
        ("--trusted-host mirrors.aliyun.com", "trusted-host", "low"),
        ("git+https://github.com/a/b.git", "from-address", "low"),
        ("git+http://github.com/a/b.git", "unprotected-address", "high"),
        ("http://example.org/a.whl", "unprotected-address", "high"),
        ("a @ https://example.org/a.whl", "from-address", "low"),
        (f"a @ https://example.org/a.whl#sha256={'a' * 64}", "fixed-address", "information"),
        ("-e git+http://example.org/a#egg=a", "unprotected-address", "high"),
        ("./wheels/a.whl", "from-address", "low"),
        ("-f https://packages.planted.example/", "other-index", "medium"),
        ("torch", "unpinned", "information"),
    ],
)
def test_where_packages_come_from(line: str, rule: str, severity: str) -> None:
    assert rules(line)[rule] == severity


def test_setup_cfg() -> None:
    text = "[metadata]\nname = x\n[options]\ninstall_requires =\n    torch>=2\n[options.extras_require]\ndev = pytest\n"
    assert dependencies(text, "setup.cfg") == {"torch>=2", "pytest"}


@given(st.text(st.sampled_from("abc=<>!~;[]()@-#:/. \n\\"), max_size=80))
def test_never_fails(text: str) -> None:
    assert "reader" not in {gap.code for gap in (*scan(text).gaps, *scan(text, "setup.cfg").gaps)}
