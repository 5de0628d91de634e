"""What Touchstone says about the benign corpus, file by file, and what to look at first.

    python benchmarks/scan_corpus/benign_verdicts.py CORPUS [--all] [--only PREFIX]

Runs in Touchstone's own environment. Every file should be clean; each that is not is printed with
its findings and gaps. The last lines count verdicts, rules and gaps.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from touchstone.scan.file import scan_file
from touchstone.scan.findings import FileResult


def main() -> int:
    """Scan, print what is not clean, count; exits with 1 when anything is not clean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--all", action="store_true", help="print clean files too")
    parser.add_argument("--only", default="", help="only paths that begin so")
    options = parser.parse_args()
    verdicts: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for path in files_of(options.corpus):
        if path.startswith(options.only):
            result = scan_file(options.corpus / path, path)
            verdicts[result.verdict] += 1
            causes.update({finding.rule for finding in result.findings} | {f"gap {gap.why.en}" for gap in result.gaps})
            if options.all or result.verdict != "clean":
                show(result)
    print("\n" + "\n".join(f"{count:5} {name}" for name, count in causes.most_common()))
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))
    return 0 if set(verdicts) <= {"clean"} else 1


def files_of(corpus: Path) -> list[str]:
    """The files of the manifest; where there is none, all files."""
    manifest = corpus / "manifest.json"
    if manifest.exists():
        return [entry["path"] for entry in json.loads(manifest.read_bytes())["files"]]
    return sorted(file.relative_to(corpus).as_posix() for file in corpus.rglob("*") if file.is_file())


def show(result: FileResult) -> None:
    """One file with its findings and gaps, shortened."""
    print(f"{result.verdict:10} {result.format:18} {result.path}")
    for finding in result.findings[:5]:
        where = finding.where.removeprefix(result.path)
        print(f"    {finding.severity:8} {finding.rule:32} {where} {finding.shown[:150]}")
    for gap in result.gaps[:3]:
        print(f"    gap      {gap.code:32} {gap.where.removeprefix(result.path)} {gap.why.en[:150]}")


if __name__ == "__main__":
    sys.exit(main())
