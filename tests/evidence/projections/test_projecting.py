"""Projections follow from the bundle, byte for byte, or are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.projections.made import execution, source, write_bundle
from touchstone.canonical import canonical_json, parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.layout import Role
from touchstone.evidence.projections import Source, media_type, project_all, projections_again, source_of


def bundle(folder: Path, changed: dict[str, bytes] | None = None) -> Bundle:
    records = source()
    write_bundle(folder, records, None if changed is None else project_all(records) | changed)
    return Bundle.open(folder)


def test_a_bundle_gives_the_same_documents_as_the_records(tmp_path: Path) -> None:
    written = bundle(tmp_path / "evidence")
    assert project_all(source_of(written)) == project_all(source())
    assert projections_again(written) == []


def test_every_document_is_canonical_and_has_a_media_type() -> None:
    for name, content in project_all(source()).items():
        assert canonical_json(parse_json(content, name)) == content
        assert "/" in media_type(name)


def test_the_order_in_which_records_were_made_does_not_matter() -> None:
    records = source()
    turned = source(executions=dict(reversed(records.executions.items())))
    assert project_all(turned) == project_all(records)


@pytest.mark.parametrize("name", sorted(project_all(source())))
def test_one_changed_byte_is_found(tmp_path: Path, name: str) -> None:
    content = project_all(source())[name].replace(b"pump", b"pomp", 1).replace(b"MI-01", b"MI-02", 1)
    (problem,) = projections_again(bundle(tmp_path / "evidence", {name: content}))
    assert problem.names == (name,)


def test_a_document_too_many_or_too_few_is_found(tmp_path: Path) -> None:
    records = source()
    documents = project_all(records)
    gone = documents.pop("projections/in-toto/test-result.json")
    write_bundle(tmp_path / "evidence", records, documents | {"projections/in-toto/praise.json": gone})
    problems = projections_again(Bundle.open(tmp_path / "evidence"))
    assert {name for problem in problems for name in problem.names} == {
        "projections/in-toto/test-result.json",
        "projections/in-toto/praise.json",
    }


def test_a_bundle_without_projections_has_none_that_are_wrong(tmp_path: Path) -> None:
    write_bundle(tmp_path / "evidence", source(), {})
    assert projections_again(Bundle.open(tmp_path / "evidence")) == []


def test_a_description_of_another_system_is_refused(tmp_path: Path) -> None:
    records = source()
    other = records.description.model_copy(update={"components": []})
    write_bundle(tmp_path / "evidence", _with(records, description=other), project_all(records))
    with pytest.raises(EvidenceError, match="another system"):
        projections_again(Bundle.open(tmp_path / "evidence"))


@pytest.mark.parametrize("started", ["yesterday", "2026-11-23T10:00:00", "9999-12-31T23:59:59.999+00:00", ""])
def test_a_time_that_is_none_is_refused(started: str) -> None:
    run = execution(next(iter(source().observations.values())).check, started)
    with pytest.raises(EvidenceError, match="time that does not exist"):
        project_all(source(executions={run.check.id: run}))


def test_a_control_outside_the_profile_is_refused() -> None:
    records = source()
    smaller = records.profile.model_copy(update={"requirements": records.profile.requirements[1:]})
    with pytest.raises(EvidenceError, match="not in the profile"):
        project_all(_with(records, profile=smaller))


def test_roles_tell_projections_from_evidence(tmp_path: Path) -> None:
    written = bundle(tmp_path / "evidence")
    names = {entry.name for entry in written.with_role(Role.PROJECTION)}
    assert names == set(project_all(source()))


def _with(records: Source, **changes: Any) -> Source:
    return replace(records, **changes)
