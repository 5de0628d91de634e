"""The Python face: what the command line does, as three calls.

import touchstone
from pathlib import Path

subject = touchstone.open_system("examples/healthcare")
outcome = touchstone.assess(subject, "digital-healthcare-screening", output="out")
print(outcome.assessment.verdict, outcome.folder)
print(touchstone.verify("out", key="lab.key.pub").ok)
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.errors import UserError
from touchstone.evidence.keys import SigningKey, load_public_key, load_signing_key
from touchstone.evidence.verify import verify as verify_evidence
from touchstone.records import Budget
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.evidence.verification import Verification
    from touchstone.laboratory.assessing import Outcome, Watcher

SCREENINGS = {
    "healthcare": "digital-healthcare-screening",
    "smart-city": "smart-city-traffic-screening",
    "manufacturing": "intelligent-manufacturing-screening",
    "other": "baseline-screening",
}
"""Profile that is used when none is named, by sector."""


def open_system(path: Path | str) -> Subject:
    """Open a system for testing: `path` is its `system.yaml` or the folder that holds one. Executes nothing of it.

    Raises `DescriptionError` with everything that is wrong with the description, its files or its facts.
    """
    from touchstone.laboratory.intake import open_declared
    from touchstone.standard.catalog import load_standard

    return open_declared(Path(path), load_standard())


def assess(
    system: Subject | Path | str,
    profile: str | None = None,
    *,
    output: Path | str,
    budget: Budget = "quick",
    jobs: int = 1,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    resume: bool = False,
    key: SigningKey | Path | str | None = None,
    passphrase: bytes | None = None,
    log: Path | str | None = None,
    issuer: str = "unnamed laboratory",
    watcher: Watcher | None = None,
) -> Outcome:
    """Test a system against a profile and write evidence, reports and a signed decision to `output`.

    `profile` defaults to the technical screening of the system's sector. `only` and `skip` name checks or
    controls. With `key` (a file, opened with `passphrase`, or a key already loaded) the plan, the assessment and
    the certificate or refusal are signed, and with `log` put on that transparency log, which must exist. Raises
    `UserError` for anything the caller can mend.
    """
    from touchstone.laboratory.assessing import Instructions, run_assessment
    from touchstone.laboratory.intake import require_known_facts
    from touchstone.laboratory.issuing import Issuer
    from touchstone.standard.catalog import load_standard

    subject = system if isinstance(system, Subject) else open_system(system)
    standard = load_standard()
    require_known_facts(subject, standard, lambda name: f"facts.{name}")
    resolved = standard.profile(profile or SCREENINGS[subject.description.system.sector])
    if key is None and log is not None:
        raise UserError(
            Text("a log was given, but no key to sign with", "给出了透明日志，但没有签名密钥"),
            None,
            Text("add the key (--key), or leave the log out", "请提供密钥（--key），或去掉日志"),
        )
    signs = None
    if key is not None:
        signing = key if isinstance(key, SigningKey) else load_signing_key(Path(key), passphrase)
        signs = Issuer(issuer, signing, None if log is None else Path(log))
    instructions = Instructions(budget=budget, jobs=jobs, only=only, skip=skip, resume=resume)
    return run_assessment(subject, resolved, Path(output), instructions, issuer=signs, watcher=watcher)


def verify(
    path: Path | str, *, key: Path | str, log_key: Path | str | None = None, system: Path | str | None = None
) -> Verification:
    """Check an output folder, a bundle or a single statement offline, with nothing but the keys you trust.

    `system` is a folder with the system itself: its digest is computed again and compared. Every fault becomes a
    failed step that names its file; only input that is no evidence at all raises `EvidenceError`.
    """
    return verify_evidence(
        Path(path),
        key=load_public_key(Path(key)),
        log_key=None if log_key is None else load_public_key(Path(log_key)),
        system=None if system is None else Path(system),
        at=datetime.now(UTC),
    )
