"""How much do scanners find, and how often do they cry wolf? The same files, one process per file, every scanner.

    python benchmarks/scan_detection.py --corpus CORPUS --environments ENVS --cache ANSWERS

`CORPUS` has `hostile/`, `mutations/`, `mixed/` and `benign/`, made by `hostile.py`, `hostile_mutations.py`,
`hostile_mixed.py` and `benign.py` in `scan_corpus/`; `ENVS` has one environment per scanner, named like it
(`scan_corpus/requirements-*.txt`; `touchstone` has the core package alone). Answers of the peers are kept in `ANSWERS`
by scanner version and file digest, so that a run can be cut off and resumed; ours are always asked anew. `--fill` only
asks, without a result; `--only` names scanners, `--sample N` takes N mutants for everyone. With all
scanners, writes `results/scan_detection.json`.

Processor time leaves out what a scanner imports before the first file; for Touchstone it includes the start of the
walled-in worker that reads the file. It says whether a limit was near, not who is fast.

What counts: an *alarm* is the scanner's word for dangerous; *review* its weaker word; an error or an incomplete
reading is "not clean" and counted apart. Corpus and one of the scanners have the same authors: the mutants, whose
labels follow from benign files, the mixed units, which are drawn by lot from a seed nobody worked with, and the benign
files are the part that does not depend on what we thought of.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "scan_corpus"))

from scanners import NOT_CLEAN, SCANNERS, SILENT, Room, Scanner

from record import keep

SECONDS = 60.0
CLAIM = (
    "touchstone scan alarms on ≥ 99 % of the must-catch pickle units and ≥ 97 % of those of all formats, calls none "
    "of them clean, alarms on ≤ 0.5 % of the benign files and leaves ≤ 4 % not clean"
)

Unit = dict[str, Any]
Answer = dict[str, Any]


def main() -> None:
    """Ask every scanner about every unit, and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SCANNERS))
    parser.add_argument("--sample", type=int, default=300, help="mutants that are shown to the scanners")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="processor time for each file")
    parser.add_argument("--fill", action="store_true", help="only fill the cache")
    options = parser.parse_args()
    units = corpus(options.corpus, options.sample)
    print(dict(Counter(unit["set"] for unit in units)), flush=True)
    measured = {}
    for name in options.only:
        scanner = SCANNERS[name]
        answers = asked(scanner, units, options)
        if options.fill:
            continue
        measured[name] = {"version": scanner.version(options.environments), **counted(units, answers)}
        print(name, json.dumps(measured[name]), flush=True)
        if name == "touchstone":
            measured[name]["misses"] = misses(units, answers)
    if set(measured) == set(SCANNERS):
        limits = {"processor_seconds": options.seconds, "memory_gib": 6}
        keep("scan_detection", CLAIM, {"corpus": described(units), "limits": limits, "scanners": measured})


def corpus(folder: Path, sample: int) -> list[Unit]:
    """All units with their labels."""
    units: list[Unit] = []
    for part in ("hostile", "mutations", "mixed"):
        manifest = json.loads((folder / part / "manifest.json").read_text())
        entries = manifest["units"]
        if part == "mutations" and len(entries) > sample:
            entries = sorted(entries, key=lambda entry: lot(manifest["seed"], entry["path"]))[:sample]
        units += [{**entry, "set": part, "file": folder / part / entry["path"]} for entry in entries]
    benign = json.loads((folder / "benign" / "manifest.json").read_text())["files"]
    units += [
        {**entry, "set": "benign", "class": "benign", "file": folder / "benign" / entry["path"]}
        for entry in _whole(benign)
    ]
    return sorted(units, key=lambda unit: (unit["set"], unit["path"]))


PICKLES = frozenset(
    {"pickle", "joblib", "torch-zip", "torch-legacy", "torch-distributed", "paddle-state", "npy", "npz"}
)
FOLDERS = frozenset({"hub-folder", "saved-model", "tensorflow-checkpoint", "paddle-inference", "openvino", "onnx"})
"""Kinds whose files belong together: raw weights mean something only beside the graph that names them."""


def _whole(entries: list[Unit]) -> list[Unit]:
    """The benign units: files, and folders where one model is several files."""
    folders: dict[str, list[Unit]] = {}
    files: list[Unit] = []
    for entry in entries:
        parts = entry["path"].split("/")
        if entry["kind"] in FOLDERS and len(parts) > 2:
            folders.setdefault("/".join(parts[:2]), []).append(entry)
        else:
            files.append({**entry, "pickle_family": entry["kind"] in PICKLES})
    for path, members in folders.items():
        digests = "".join(
            entry["path"] + entry["sha256"] for entry in sorted(members, key=lambda entry: str(entry["path"]))
        )
        whole = {"path": path, "kind": members[0]["kind"], "sha256": hashlib.sha256(digests.encode()).hexdigest()}
        files.append({**whole, "pickle_family": False, "files": len(members)})
    return files


def lot(seed: int, path: str) -> str:
    """A lot drawn for each path by itself: more files in the corpus leave most of the sample as it was."""
    return hashlib.sha256(f"{seed} {path}".encode()).hexdigest()


def asked(scanner: Scanner, units: Iterable[Unit], options: argparse.Namespace) -> dict[str, Answer]:
    """The answers by path of the unit; the peers' from the cache where they are there."""
    version = scanner.version(options.environments)
    options.cache.mkdir(parents=True, exist_ok=True)
    file = options.cache / f"{scanner.name}-{version}.jsonl"
    ours = scanner.name == "touchstone"
    kept: dict[str, Answer] = {}
    if file.is_file() and not ours:
        for line in file.read_text().splitlines():
            answer = json.loads(line)
            kept[answer["key"]] = answer
    answers: dict[str, Answer] = {}
    room: Room | None = None
    with file.open("w" if ours else "a", encoding="utf-8") as cache:
        for unit in units:
            key = f"{unit['sha256']}:{unit['set']}/{unit['path']}"
            if key not in kept:
                room = room or Room(scanner, options.environments, options.seconds)
                kept[key] = {"key": key, **_short(scanner, room.ask(unit["file"].resolve()))}
                cache.write(json.dumps(kept[key]) + "\n")
                cache.flush()
            answers[f"{unit['set']}/{unit['path']}"] = kept[key]
    if room is not None:
        room.close()
    return answers


def _short(scanner: Scanner, answer: dict[str, Any]) -> Answer:
    """What is worth keeping of an answer."""
    said = (answer["report"] or answer["output"] or answer["errors"])[:600]
    return {
        "outcome": scanner.outcome(answer),
        **{k: answer[k] for k in ("exit", "wall_s", "cpu_s", "rss_mib")},
        "said": said,
    }


QUIETER = frozenset({"review", "incomplete", "clean", "skipped", "crashed", "timed out"})
"""Every outcome that is no alarm."""


def counted(units: list[Unit], answers: dict[str, Answer]) -> dict[str, Any]:
    """The figures of one scanner."""

    def outcomes(**wanted: Any) -> list[str]:
        chosen = [unit for unit in units if all(unit.get(name) == value for name, value in wanted.items())]
        return [answers[f"{unit['set']}/{unit['path']}"]["outcome"] for unit in chosen]

    hostile = [unit for unit in units if unit["set"] == "hostile" and unit["class"] == "code"]
    silent = [unit["path"] for unit in hostile if answers[f"hostile/{unit['path']}"]["outcome"] in SILENT]
    by_format: dict[str, Counter[str]] = {}
    for unit in hostile:
        by_format.setdefault(unit["path"].split("/")[0], Counter())[answers[f"hostile/{unit['path']}"]["outcome"]] += 1
    times = [answer["cpu_s"] for answer in answers.values()]
    return {
        "must_catch_pickle_family": rates(outcomes(set="hostile", **{"class": "code"}, pickle_family=True)),
        "must_catch_all": rates(outcomes(set="hostile", **{"class": "code"})),
        "resource": rates(outcomes(set="hostile", **{"class": "resource"})),
        "integrity": rates(outcomes(set="hostile", **{"class": "integrity"})),
        "mutants": rates(outcomes(set="mutations")),
        "mixed": rates(outcomes(set="mixed")),
        "benign_pickle_family": rates(outcomes(set="benign", pickle_family=True)),
        "benign_all": rates(outcomes(set="benign")),
        "must_catch_by_family": {family: dict(sorted(count.items())) for family, count in sorted(by_format.items())},
        "must_catch_clean_or_skipped": len(silent),
        "cpu_s": {"median": round(statistics.median(times), 4), "sum": round(sum(times), 1), "worst": max(times)},
        "peak_memory_mib": max(answer["rss_mib"] for answer in answers.values()),
    }


def misses(units: list[Unit], answers: dict[str, Answer]) -> dict[str, list[str]]:
    """Every answer of ours that is not what the label asks for, by name."""

    def of(part: str, *classes: str) -> list[Unit]:
        return [unit for unit in units if unit["set"] == part and unit["class"] in classes]

    return {
        "must_catch_not_alarmed": _named(of("hostile", "code"), answers, QUIETER),
        "integrity_and_resource_clean": _named(of("hostile", "integrity", "resource"), answers, SILENT),
        "mutants_not_alarmed": _named(of("mutations", "code"), answers, QUIETER),
        "mixed_not_alarmed": _named(of("mixed", "code"), answers, QUIETER),
        "benign_not_clean": _named(of("benign", "benign"), answers, QUIETER - {"clean"} | {"alarm"}),
    }


def rates(outcomes: list[str]) -> dict[str, Any]:
    """Counts and the two rates that matter."""
    counts = Counter(outcomes)
    total = len(outcomes) or 1
    return {
        "units": len(outcomes),
        **dict(sorted(counts.items())),
        "alarm_percent": round(100 * counts["alarm"] / total, 2),
        "alarm_or_review_percent": round(100 * (counts["alarm"] + counts["review"]) / total, 2),
        "not_clean_percent": round(100 * sum(counts[name] for name in NOT_CLEAN) / total, 2),
    }


def _named(units: list[Unit], answers: dict[str, Answer], wanted: Iterable[str]) -> list[str]:
    """`outcome path` of the units with one of these outcomes."""
    found = [(answers[f"{unit['set']}/{unit['path']}"]["outcome"], unit["path"]) for unit in units]
    return [f"{outcome} {path}" for outcome, path in sorted(found) if outcome in set(wanted)]


def described(units: list[Unit]) -> dict[str, Any]:
    """How many units of which kind, and how many labels were proved."""
    hostile = [unit for unit in units if unit["set"] == "hostile"]
    return {
        "hostile": dict(Counter(unit["class"] for unit in hostile)),
        "hostile_code_pickle_family": sum(unit["class"] == "code" and unit["pickle_family"] for unit in hostile),
        "labels_proved_by_loading": sum(unit.get("verified_in_loader") is True for unit in units),
        "mutants": sum(unit["set"] == "mutations" for unit in units),
        "mixed": sum(unit["set"] == "mixed" for unit in units),
        "benign": sum(unit["set"] == "benign" for unit in units),
    }


if __name__ == "__main__":
    main()
