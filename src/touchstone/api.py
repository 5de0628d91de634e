"""The Python face: what the command line does, as a few calls.

import touchstone
from pathlib import Path

subject = touchstone.open_system("examples/healthcare")
outcome = touchstone.assess(subject, "digital-healthcare-screening", output="out")
print(outcome.assessment.verdict, outcome.folder)
print(touchstone.verify("out", key="lab.key.pub").ok)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.errors import UserError
from touchstone.evidence import handed_over
from touchstone.evidence.delivery import laid_out
from touchstone.evidence.key_sources import open_log_signing_key, open_signing_key
from touchstone.evidence.verify import verify as verify_evidence
from touchstone.records import Budget, Plan, Profile
from touchstone.signatures.keys import (
    LogSigningKey,
    SigningKey,
    VerifyingKey,
    load_log_public_key,
    load_public_key,
)
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    import numpy as np

    from touchstone.evidence.verification import Verification
    from touchstone.laboratory.assessing import Outcome, Watcher
    from touchstone.laboratory.issuing import Issuer
    from touchstone.laboratory.timestamping import Stamper
    from touchstone.methods.privacy.conformance import Claimed, Conformance, Sampler, Step
    from touchstone.system.description import SystemDescription

SCREENINGS = {
    "healthcare": "digital-healthcare-screening",
    "smart-city": "smart-city-traffic-screening",
    "manufacturing": "intelligent-manufacturing-screening",
    "other": "baseline-screening",
}
"""Profile that is used when none is named, by sector."""
GENERATION_SCREENING = "generation-screening"


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
    log_key: LogSigningKey | Path | str | None = None,
    log_passphrase: bytes | None = None,
    tsa: Stamper | str | None = None,
    nonce: str | None = None,
    reviews: Path | str | None = None,
    reviewer_keys: Collection[Path | str] = (),
    issuer: str = "unnamed laboratory",
    decision_key: SigningKey | Path | str | None = None,
    decision_passphrase: bytes | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Test a system against a profile and write evidence, reports and a signed decision to `output`.

    `profile` defaults to the technical screening of the system's sector. `only` and `skip` name checks or
    controls. With `key` (a file, `env:NAME` or a `pkcs11:` URI, opened with `passphrase`; or a key already loaded)
    the plan, the assessment and the certificate or refusal are signed, the last with `decision_key` where somebody
    else decides than tests; with `log` and `log_key` put on that
    transparency log, which must exist; and with `tsa` their time is attested by that timestamping authority (an
    address, the only use of a network, or one's own). `nonce` belongs to a plan made with :func:`announce`. `reviews`
    is a folder of signed reviews of the system's documents, by people whose public keys are `reviewer_keys`. Raises
    `UserError` for anything the caller can mend.
    """
    from touchstone.laboratory.assessing import Instructions, run_assessment
    from touchstone.laboratory.reviewing import read_reviews

    subject, resolved = _prepared(system, profile)
    read = () if reviews is None else read_reviews(Path(reviews), _public_keys(reviewer_keys), subject)
    signs = _issuer(issuer, key, passphrase, log, log_key, log_passphrase, tsa)
    if decision_key is not None:
        signs = _decided_by(signs, decision_key, decision_passphrase)
    instructions = Instructions(
        budget=budget, jobs=jobs, only=only, skip=skip, resume=resume, nonce=nonce, reviews=tuple(read)
    )
    return run_assessment(subject, resolved, Path(output), instructions, issuer=signs, watcher=watcher)


def _public_keys(paths: Collection[Path | str]) -> list[VerifyingKey]:
    return [load_public_key(Path(path)) for path in paths]


def announce(
    system: Subject | Path | str,
    profile: str | None = None,
    *,
    output: Path | str,
    nonce_from: str,
    key: SigningKey | Path | str,
    budget: Budget = "quick",
    only: Collection[str] = (),
    skip: Collection[str] = (),
    passphrase: bytes | None = None,
    log: Path | str | None = None,
    log_key: LogSigningKey | Path | str | None = None,
    log_passphrase: bytes | None = None,
    issuer: str = "unnamed laboratory",
) -> Plan:
    """Sign and log the plan of an assessment before anybody can know its seeds.

    They will follow from the plan and from a nonce that `nonce_from` gives afterwards: hand it to :func:`assess` as
    `nonce`, with `resume` and the same `output`, profile, budget and selection.
    """
    from touchstone.laboratory.assessing import Instructions
    from touchstone.laboratory.assessing import announce as announce_plan

    subject, resolved = _prepared(system, profile)
    signs = _issuer(issuer, key, passphrase, log, log_key, log_passphrase, None)
    assert signs is not None  # noqa: S101 - a key was given
    instructions = Instructions(budget=budget, only=only, skip=skip)
    return announce_plan(subject, resolved, Path(output), instructions, signs, nonce_from)


def verify(
    path: Path | str,
    *,
    key: Path | str | Collection[Path] = (),
    log_key: Path | str | None = None,
    log_policy: Path | str | None = None,
    authorities: Collection[Path] = (),
    trust: Path | str | None = None,
    policy: Path | str | None = None,
    status: Path | str | None = None,
    max_age_days: int | None = None,
    recognitions: Collection[Path] = (),
    log_folder: Path | str | None = None,
    sm2_key: Path | str | None = None,
    system: Path | str | None = None,
    at: datetime | None = None,
) -> Verification:
    """Check an output folder, a bundle or a single statement offline, with nothing but what you trust.

    `key` (one or several) and `trust`, a pinned root, say whose statements count; `log_key` or `log_policy` which
    log and witnesses, `authorities` whose timestamps, `sm2_key` whose second envelopes. `status` is the issuer's
    snapshot of its certificates, at most `max_age_days` old; `recognitions` recognise other issuers; `policy` says
    what you ask of a certificate. `log_folder` is a copy of the log, asked what else the signers put on it; `system`
    a folder whose digest is compared; `at` the moment of the question, by default now. All are paths.

    Every fault becomes a failed step that names its file; only input that is no evidence at all raises
    `EvidenceError`.
    """
    moment = at or datetime.now(UTC)
    keys = [Path(key)] if isinstance(key, str | Path) else key
    asked = None
    if policy is not None:
        from touchstone.evidence.policy import Policy

        asked = Policy.read(Path(policy))
    with laid_out(Path(path)) as place:
        return verify_evidence(
            place,
            at=moment,
            trusted=handed_over.trusted_parties(keys, None if trust is None else Path(trust), moment),
            authorities=[handed_over.timestamping_authority(file) for file in authorities],
            log_key=None if log_key is None else load_log_public_key(Path(log_key)),
            log_policy=None if log_policy is None else handed_over.log_policy(Path(log_policy)),
            policy=asked,
            status=None if status is None else Path(status),
            max_age=None if max_age_days is None else timedelta(days=max_age_days),
            recognitions=recognitions,
            log_folder=None if log_folder is None else Path(log_folder),
            sm2_key=None if sm2_key is None else handed_over.sm2_key(Path(sm2_key)),
            system=None if system is None else Path(system),
        )


def private_step_conformance(
    step: Step,
    claimed: Claimed,
    generator: np.random.Generator,
    *,
    sampler: Sampler | None = None,
    records: int = 0,
    steps: int = 100,
) -> Conformance:
    """Test an optimiser step that claims differential privacy, inside the trainer it belongs to.

    `step` takes per-example gradients `(b, d)` and answers the noised sum of the clipped gradients `(d,)`; `sampler`
    answers the indices of the next batch out of `records`. Found are too little noise, clipping to a larger norm, noise
    that repeats or is shared, and sampling at another rate or law than the claimed one. A step that conforms shows
    that *this step* is the claimed mechanism, not that a model was trained with it, and proves no epsilon.
    """
    from touchstone.methods.privacy.conformance import conformance

    return conformance(step, claimed, generator, sampler=sampler, records=records, steps=steps)


def _prepared(system: Subject | Path | str, profile: str | None) -> tuple[Subject, Profile]:
    from touchstone.laboratory.intake import require_known_words
    from touchstone.standard.catalog import load_standard

    subject = system if isinstance(system, Subject) else open_system(system)
    standard = load_standard()
    require_known_words(subject, standard, lambda place: ".".join(map(str, place)))
    return subject, standard.profile(profile or _screening(subject.description))


def _screening(description: SystemDescription) -> str:
    """Whatever writes texts is screened for what texts can do, in every sector."""
    return GENERATION_SCREENING if description.model.task == "generation" else SCREENINGS[description.system.sector]


def _decided_by(issuer: Issuer | None, key: SigningKey | Path | str, passphrase: bytes | None) -> Issuer:
    if issuer is None:
        raise UserError(
            Text("who decides signs after who tests", "先由测试者签署，再由决定者签署"),
            remedy=Text("give key as well", "请同时提供 key"),
        )
    return replace(issuer, decision_key=key if isinstance(key, SigningKey) else open_signing_key(str(key), passphrase))


def _issuer(
    name: str,
    key: SigningKey | Path | str | None,
    passphrase: bytes | None,
    log: Path | str | None,
    log_key: LogSigningKey | Path | str | None,
    log_passphrase: bytes | None,
    tsa: Stamper | str | None,
) -> Issuer | None:
    from touchstone.laboratory.issuing import Issuer, OwnLog
    from touchstone.laboratory.timestamping import RemoteAuthority

    if (log is None) != (log_key is None) or (key is None and log is not None):
        raise UserError(
            Text("a log needs its own key, and statements that are signed", "日志需要自身的密钥，且声明须已签名"),
            None if log is None else str(log),
            Text("give key, log and log_key together", "请同时提供 key、log 和 log_key"),
        )
    if key is None:
        return None
    own_log = None
    if log is not None and log_key is not None:
        signs_log = (
            log_key if isinstance(log_key, LogSigningKey) else open_log_signing_key(str(log_key), log_passphrase)
        )
        own_log = OwnLog(Path(log), signs_log)
    signing = key if isinstance(key, SigningKey) else open_signing_key(str(key), passphrase)
    stamper = RemoteAuthority(tsa) if isinstance(tsa, str) else tsa
    return Issuer(name, signing, own_log, stamper)
