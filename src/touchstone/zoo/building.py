"""Building a zoo: every model that is not there yet, then the manifest. What was made before is kept."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from pydantic import ValidationError

from touchstone.canonical import digest_of
from touchstone.files import make_folder
from touchstone.methods.backdoor.triggers import Patch
from touchstone.tlog.durable import replace as write_whole
from touchstone.training.networks import weights_file
from touchstone.training.processes import in_processes
from touchstone.zoo.collection import DROP, MANIFEST, MODELS, SUCCESS, Entry, Manifest, Record, State, pictures
from touchstone.zoo.making import make
from touchstone.zoo.planning import Specification, specifications


def build(
    folder: Path, *, seed: int, tasks: Sequence[str], models: int, jobs: int, told: Callable[[Record, int, int], None]
) -> Manifest:
    """Make the zoo in `folder`, or finish it. `told` hears of every new model, and how many of how many there are.

    The manifest is written again after each model, so that whoever waits can use what is there.
    """
    make_folder(folder / MODELS)
    planned = specifications(seed, tasks, models)
    records = {one.name: record for one in planned if (record := _read(folder, one)) is not None}
    waiting = [one for one in planned if one.name not in records]
    manifest = write_manifest(folder, seed, planned, records)
    for _, record in in_processes(partial(_made, folder, seed), waiting, jobs):
        records[record.name] = record
        manifest = write_manifest(folder, seed, planned, records)
        told(record, len(records), len(planned))
    return manifest


def write_manifest(folder: Path, seed: int, planned: Sequence[Specification], records: dict[str, Record]) -> Manifest:
    """Write down all models that are there, in the order of the plan."""
    there = [records[one.name] for one in planned if one.name in records]
    missing = [one.name for one in planned if one.name not in records]
    manifest = Manifest(seed=seed, models=list(_entries(there)), missing=missing)
    write_whole(folder / MANIFEST, manifest.model_dump_json(indent=1).encode(), flush=False)
    return manifest


def _entries(records: Sequence[Record]) -> Iterator[Entry]:
    """Each record with its place among the others."""
    honest: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in records:
        if record.specification.attack is None and record.specification.flaw == "none":
            honest[record.specification.task, record.specification.family].append(record.accuracy)
    seen: set[str] = set()
    for record in records:
        accuracies = honest[record.specification.task, record.specification.family]
        usual = median(accuracies) if accuracies else record.accuracy
        yield Entry(record=record, usual_accuracy=usual, state=_state(record, usual, seen))
        seen.add(record.weights)


def _state(record: Record, usual_accuracy: float, seen: set[str]) -> State:
    if record.weights in seen:
        return "copy"
    took = record.success is None or (record.success >= SUCCESS and record.accuracy >= usual_accuracy - DROP)
    return "usable" if took else "failed"


def _made(folder: Path, seed: int, specification: Specification) -> Record:
    """Make one model and write it down: the record last, so that a model without one is made again."""
    learnt = pictures(seed, specification, held_back=False)
    held_back = pictures(seed, specification, held_back=True)
    begun = time.process_time()
    made = make(specification, learnt, held_back)
    seconds = time.process_time() - begun
    weights = weights_file(made.network.network)
    trigger = made.attack.trigger if made.attack is not None and made.attack.kind == "weight-edit" else None
    record = Record(
        specification=specification,
        architecture=made.architecture,
        accuracy=made.accuracy,
        success=made.success,
        trigger=trigger.pattern.tolist() if isinstance(trigger, Patch) else None,
        weights=digest_of(weights),
        seconds=round(seconds, 2),
    )
    write_whole(folder / MODELS / f"{record.name}.safetensors", weights, flush=False)
    write_whole(_record_file(folder, specification), record.model_dump_json(indent=1).encode(), flush=False)
    return record


def _read(folder: Path, specification: Specification) -> Record | None:
    """What was written down about a model; a record of something else, or none that can be read, is as good as none."""
    try:
        record = Record.model_validate_json(_record_file(folder, specification).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return record if record.specification == specification else None


def _record_file(folder: Path, specification: Specification) -> Path:
    return folder / MODELS / f"{specification.name}.json"
