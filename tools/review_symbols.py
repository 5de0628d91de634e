"""A starting point for reviewing names: what serialised objects mention, and what a library runs while one is loaded.

    python tools/review_symbols.py mentions FILE ...      # names in pickles, and how each stands today
    python tools/review_symbols.py hooks FOLDER [BELOW]   # classes of a library whose own code runs while loading
    python tools/review_symbols.py format [PACK ...]      # write packs the one way they are written

`hooks` reads the sources below FOLDER (`.../site-packages/sklearn`) without importing them. Unpickling an object runs
no `__init__`; it can run these methods, with whatever state the file gives. A class in a reviewed namespace is trusted
to be made and filled, so each of these methods has to be read before its namespace goes into a pack.
"""

from __future__ import annotations

import argparse
import ast
import json
import pickletools
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from touchstone.scan.symbols import PACKS, TIERS, standing

HOOKS: Final = (
    *("__new__", "__setstate__", "__setattr__", "__getattr__", "__getattribute__", "__del__"),
    *("__setitem__", "__hash__", "__eq__", "append", "extend", "add", "__reduce__", "__reduce_ex__"),
)
"""What `pickle.load` can call on an instance it has made: to make it, to fill it, to use it as a key or a container,
and to throw it away. `__reduce__` does not run, but says what is called to make an instance."""
PROCESS_CLASSES: Final = frozenset({"Popen", "Process", "Thread", "Pool"})


def main() -> int:
    """Parse the command line and print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True)
    mentions = commands.add_parser("mentions")
    mentions.add_argument("files", type=Path, nargs="+")
    mentions.set_defaults(run=lambda options: print_mentions(options.files))
    hooks = commands.add_parser("hooks")
    hooks.add_argument("folder", type=Path)
    hooks.add_argument("--only", nargs="+", default=HOOKS)
    hooks.set_defaults(run=lambda options: print_hooks(options.folder, set(options.only)))
    formatting = commands.add_parser("format")
    formatting.add_argument("packs", type=Path, nargs="*")
    formatting.set_defaults(run=lambda options: format_packs(options.packs or sorted(PACKS.glob("*.json"))))
    options = parser.parse_args()
    options.run(options)
    return 0


# ---- names that files mention


def print_mentions(files: list[Path]) -> None:
    """Every name any of the files imports, unknown ones first, with the number of files."""
    found: Counter[tuple[str, str, str]] = Counter()
    for file in files:
        for module, name in set(_mentioned(file.read_bytes())):
            stands = standing(module, name)
            found[stands.trust, module, name] += 1
    for (trust, module, name), count in sorted(found.items(), key=lambda entry: (entry[0][0] == "known", entry)):
        print(f"{trust:9} {count:4} {module}.{name}")


def _mentioned(data: bytes) -> Iterator[tuple[str, str]]:
    if data.startswith(b"\x93NUMPY"):
        data = data[10 + int.from_bytes(data[8:10], "little") :]
    if data[:2] == b"PK":
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _mentioned(archive.read(member))
        return
    recent: list[str | None] = []
    memo: dict[int, str | None] = {}
    try:
        argument: Any
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in {"GLOBAL", "INST"}:
                module, name = argument.split(" ", 1)
                yield module, name
                recent.append(None)
            elif opcode.name == "STACK_GLOBAL":
                if len(recent) >= 2 and recent[-2] is not None and recent[-1] is not None:
                    yield recent[-2], recent[-1]
                recent.append(None)
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = recent[-1] if recent else None
            elif opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"}:
                memo[argument] = recent[-1] if recent else None
            elif opcode.name in {"GET", "BINGET", "LONG_BINGET"}:
                recent.append(memo.get(argument))
            elif opcode.stack_after:
                recent.append(argument if isinstance(argument, str) else None)
            del recent[:-4]
    except ValueError:
        return  # not a pickle, or raw bytes inside one: what came before counts


# ---- code of a library that runs while an object is loaded


def print_hooks(folder: Path, wanted: set[str]) -> None:
    """Each class with methods that run while loading, and the source of these methods."""
    for file in sorted(folder.rglob("*.py")):
        module = ".".join((folder.name, *file.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
        if {"tests", "test", "conftest"} & set(module.split(".")):
            continue
        source = file.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(source)
        except SyntaxError as broken:
            print(f"## {module}: not read ({broken.msg})")
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                risky = [alias.name for alias in node.names if alias.name in PROCESS_CLASSES]
                if risky:
                    print(f"## {module} re-exports {', '.join(risky)}")
            if isinstance(node, ast.ClassDef):
                _print_class(module, node, source, wanted)


def _print_class(module: str, node: ast.ClassDef, source: str, wanted: set[str]) -> None:
    methods = [
        item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name in wanted
    ]
    if methods:
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        print(f"## {module}.{node.name}({bases})")
        for method in methods:
            print(ast.get_source_segment(source, method, padded=True))


# ---- packs as files


def format_packs(files: list[Path]) -> None:
    """Rewrite packs in the one form: sorted, one line for each module, so that a change is a change of one line."""
    for file in files:
        file.write_text(written(json.loads(file.read_bytes())), encoding="utf-8")


def written(pack: dict[str, Any]) -> str:
    """A pack as text."""
    order = ["library", "about", "reviewed", "source", "reviewer", "known", "contracts"]
    keys = [key for key in order if key in pack] + sorted(key for key in pack if key not in order)
    tiers = list(TIERS)
    lines = []
    for key in keys:
        value = pack[key]
        if key == "known":
            groups = [
                f"  {json.dumps(tier)}: {_mapping(value[tier], '   ', '  ')}" for tier in sorted(value, key=tiers.index)
            ]
            lines.append(' "known": {\n' + ",\n".join(groups) + "\n }")
        elif isinstance(value, dict):
            lines.append(f" {json.dumps(key)}: {_mapping(value, '  ', ' ')}")
        else:
            lines.append(f" {json.dumps(key)}: {_line(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _mapping(value: dict[str, Any], indent: str, closing: str) -> str:
    rows = [f"{indent}{json.dumps(key)}: {_line(value[key])}" for key in sorted(value)]
    return "{\n" + ",\n".join(rows) + f"\n{closing}}}"


def _line(value: Any) -> str:
    return json.dumps(sorted(set(value)) if isinstance(value, list) else value, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
