"""Reports rendered from a bundle into the folder beside it."""

from __future__ import annotations

from pathlib import Path

from touchstone.evidence.bundle import Bundle
from touchstone.files import make_folder
from touchstone.laboratory.recording import Recorded, read_recorded
from touchstone.records import Assessment, Exhibit, Profile
from touchstone.report.html import render_html
from touchstone.report.machine import render_json, render_junit
from touchstone.report.material import Material
from touchstone.text import LANGUAGES


def material_of(bundle: Bundle, issued: str, *, judged: tuple[Profile, Assessment] | None = None) -> Material:
    """What a report is made of; `judged` replaces the recorded profile and assessment by a later judgement."""
    recorded: Recorded = read_recorded(bundle)
    profile, assessment = judged or (recorded.profile, recorded.assessment)
    contents = {entry.digest: entry.name for entry in bundle.entries}
    withheld = {entry.digest for entry in bundle.withheld}

    def content(exhibit: Exhibit) -> bytes | None:
        return None if exhibit.digest in withheld else bundle.read(contents[exhibit.digest])

    return Material(
        assessment=assessment,
        profile=profile,
        plan=recorded.plan,
        circumstances=recorded.circumstances,
        cards=recorded.cards,
        observations=recorded.observations,
        executions=recorded.executions,
        exhibit=content,
        evidence=bundle.manifest_digest,
        issued=issued,
    )


def write_reports(folder: Path, material: Material) -> list[Path]:
    """Write every format. Reports are derived: they may be deleted and rendered again at any time."""
    written = {f"report.{language}.html": render_html(material, language) for language in LANGUAGES}
    written |= {"report.json": render_json(material), "junit.xml": render_junit(material, "en")}
    make_folder(folder)
    for name, content in written.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in written]
