"""Two tests of the test: subjects of nobody are held nowhere, and are found wherever they are put."""

from __future__ import annotations

from dataclasses import dataclass

from touchstone.checks.data_security.followed_up import followed_up
from touchstone.checks.data_security.held_subjects import Wanted, wanted
from touchstone.checks.declaration import Run
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun
from touchstone.system.registers.deletions import Deletion
from touchstone.system.registers.derived_records import DerivedRecord
from touchstone.system.registers.of_subject import subject_digest
from touchstone.system.subject import Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Probes:
    """What is looked for besides the subjects of real requests, in the same pass over all files."""

    made_up: tuple[Deletion, ...]
    """Requests about subjects of nobody; the last names its subject by digest only."""
    hidden: str
    """The identifier behind that digest."""
    held: tuple[str, ...]
    """An identifier that the test data do hold, where they name their rows."""


def probes_for(subject: Subject, run: Run) -> Probes:
    """Drawn by lot, so that nobody can have them stand anywhere."""
    generator = run.generator("made-up subjects")
    names = [f"made-up-{generator.integers(10**15):015}" for _ in range(4)]
    names.append(f"Made Up, {generator.integers(10**15):015}")
    hidden = f"made-up-{generator.integers(10**15):015}"
    requests = [_request(name) for name in names]
    by_digest = _request(hidden).model_copy(update={"subject": None, "subject_digest": subject_digest(hidden)})
    try:
        known = subject.data("test").identifiers or ()
    except UnavailableError:
        known = ()
    held = (known[int(generator.integers(len(known)))],) if known else ()
    return Probes((*requests, by_digest), hidden, held)


def control_runs(probes: Probes, sought: Wanted, run: Run) -> tuple[ControlRun, ControlRun]:
    """`sought` is what was found of everything that was looked for, the probes among it."""
    without = sum(bool(each.places) for each in followed_up(probes.made_up, sought.found, ()))
    planted = wanted(probes.made_up)
    generator = run.generator("made-up files")
    for place, content in enumerate(_made_up_files(probes)):
        cut = int(generator.integers(len(content)))
        planted.look_into([content[:cut], content[cut:]], f"made-up file {place}")
    index = DerivedRecord.model_validate({"store": "index", "read": "2026-02-01T00:00:00Z", "subject": probes.hidden})
    found = sum(bool(each.places) for each in followed_up(probes.made_up, planted.found, ()))
    found += bool(followed_up(probes.made_up[-1:], {}, [index])[0].places)
    found += sum(identifier in sought.found for identifier in probes.held)
    expected = len(probes.made_up) + 1 + len(probes.held)
    return (
        ControlRun(
            kind="null",
            expected=Text("made-up subjects are held nowhere", "虚构主体不见于任何位置"),
            seen=Text(f"{without} found", f"发现 {without} 个"),
            passed=without == 0,
        ),
        ControlRun(
            kind="planted",
            expected=Text(
                "subjects put into files and lists, and one that the data hold, are found",
                "植入文件与清单的主体以及数据中已有的主体均被找到",
            ),
            seen=Text(f"{found} of {expected}", f"{expected} 个中找到 {found} 个"),
            passed=found == expected,
        ),
    )


def _made_up_files(probes: Probes) -> tuple[bytes, ...]:
    """A table, JSON, a path, a letter, a phrase, YAML: one for each of the subjects."""
    table, in_json, path, letter, phrase = (request.subject for request in probes.made_up[:-1])
    files = (
        f"id,value\n{table},7\n",
        f'{{"person": "{in_json}"}}',
        f"data/{path}.png",
        f"Letter to {letter}.",
        f"name;value\n{phrase};3\n",
        f"rows:\n- {probes.hidden}\n",
    )
    return tuple(content.encode() for content in files)


def _request(name: str) -> Deletion:
    times = {"requested": "2026-01-01T00:00:00Z", "done": "2026-01-02T00:00:00Z"}
    return Deletion.model_validate({"id": name, "subject": name, **times})
