"""A first allow file, from what a scan found: every entry for exactly these bytes, every reason still to be given."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Final

from touchstone.scan.allow_file import SCHEMA
from touchstone.scan.findings import FileResult, Finding, Gap, ScanResult

_HEAD: Final = """\
# Each entry accepts one finding until its day. Fill in every reason and who gives it, or remove the entry: the file
# is refused while a reason is empty.
# 每个条目在期限内接受一项发现。请逐条填写理由与负责人，或删除该条目；理由为空时本文件不被接受。"""


def baseline(result: ScanResult, expires: date) -> bytes:
    """An allow file with an entry for everything that is open."""
    entries: dict[str, None] = {}
    for file in result.files:
        for finding in file.findings:
            if finding.nature != "information":
                entries[_entry(file, finding, {"rule": finding.rule, "shown": finding.shown}, expires)] = None
        for gap in file.gaps:
            entries[_entry(file, gap, {"gap": gap.code}, expires)] = None
    head = f"{_HEAD}\nschema: {SCHEMA}\nallow:"
    return ("\n".join([head, *entries]) if entries else f"{head} []\n").encode()


def _entry(file: FileResult, item: Finding | Gap, fields: dict[str, str], expires: date) -> str:
    said = item.what if isinstance(item, Finding) else item.why
    fields |= {"where": _exactly(item.where), "sha256": file.sha256}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value]
    lines += ['reason: ""', 'by: ""', f"expires: {expires.isoformat()}"]
    return f"  # {said.en} / {said.zh}\n  - " + "\n    ".join(lines) + "\n"


def _exactly(where: str) -> str:
    """A pattern that fits one name only."""
    return re.sub(r"[*?\[]", lambda found: f"[{found.group()}]", where)
