"""Whom a verifier trusts for what: roles, scope, time, compromise, recognition, a root by k of n, and a policy."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.evidence.made import CHECK, ISSUED, PROFILE, Laboratory, assessment, observation
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError, UserError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.envelope import sign
from touchstone.evidence.files import write_durably
from touchstone.evidence.layout import StatementName
from touchstone.evidence.parties import read_parties
from touchstone.evidence.policy import Policy
from touchstone.evidence.recognition import recognise
from touchstone.evidence.replication import Agreement, Replication, replication_statement
from touchstone.evidence.root import new_root, read_root, sign_root
from touchstone.evidence.trust import STATEMENT_ROLES, Party, PartyRole, Trusted
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify
from touchstone.laboratory.certifying import write_snapshot
from touchstone.laboratory.issuing import renew_receipts
from touchstone.signatures.keys import (
    SigningKey,
    generate,
    generate_log_key,
    load_log_signing_key,
    load_signing_key,
)
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.log import Log

LATER = ISSUED + timedelta(days=30)
FAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory.in_folder(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture
def out(laboratory: Laboratory, tmp_path: Path) -> Path:
    return laboratory.assess(tmp_path / "out")


def key_in(folder: Path, name: str) -> SigningKey:
    generate(folder / name, None)
    return load_signing_key(folder / name, None)


def party(key: SigningKey, *roles: PartyRole, name: str = "Lab A", **more: object) -> Party:
    return Party.model_validate({"name": name, "roles": roles, "key": key.public.pem.decode(), **more})


def checked(
    out: Path,
    *parties: Party,
    policy: Policy | None = None,
    status: Path | None = None,
    recognitions: Collection[Path] = (),
) -> Verification:
    return verify(out, trusted=Trusted(parties), at=LATER, policy=policy, status=status, recognitions=recognitions)


def exit_code(
    out: Path,
    *parties: Party,
    policy: Policy | None = None,
    status: Path | None = None,
    recognitions: Collection[Path] = (),
) -> int:
    return checked(out, *parties, policy=policy, status=status, recognitions=recognitions).exit_code


def test_a_key_counts_only_in_its_role(laboratory: Laboratory, out: Path) -> None:
    both = (PartyRole.ASSESSOR, PartyRole.CERTIFIER)
    assert exit_code(out, party(laboratory.key, *both)) == 0
    verification = checked(out, party(laboratory.key, PartyRole.ASSESSOR))
    assert verification.exit_code == 1
    (step,) = [step for step in verification.steps if step.status == "failed"]
    assert (step.file, step.text.en) == (
        "certificate.dsse.json",
        "is signed by Lab A, which is not trusted as certifier",
    )


def test_scope_is_a_matter_of_policy(laboratory: Laboratory, out: Path) -> None:
    assert exit_code(out, party(laboratory.key, *STATEMENT_ROLES, profiles=[PROFILE.id])) == 0
    assert exit_code(out, party(laboratory.key, *STATEMENT_ROLES, profiles=["other"])) == 4
    assert exit_code(out, party(laboratory.key, *STATEMENT_ROLES, levels=["AL3"])) == 4


def test_time_and_compromise_of_a_key() -> None:
    def fault(at: str, *, independent: bool = True, **more: str) -> bool:
        made = Party.model_validate({"name": "Lab", "roles": ["assessor"], "key": "", **more})
        return made.fault_at(datetime.fromisoformat(at), independent=independent) is not None

    stolen = {"compromised": "2027-03-01T00:00:00Z"}
    assert not fault("2027-02-28T23:59:59Z", **stolen)
    assert fault("2027-03-01T00:00:00Z", **stolen)
    assert fault("2027-02-28T23:59:59Z", independent=False, **stolen)  # a thief can backdate what nobody else saw
    assert fault("2026-01-01T00:00:00Z", not_before="2026-02-01T00:00:00Z")
    assert fault("2026-02-01T00:00:00Z", not_after="2026-02-01T00:00:00Z")
    assert not fault("2026-01-31T00:00:00Z", not_after="2026-02-01T00:00:00Z")


def test_a_compromised_key_without_an_independent_time_is_worth_nothing(laboratory: Laboratory, out: Path) -> None:
    stolen = party(laboratory.key, *STATEMENT_ROLES, compromised="2026-12-01T00:00:00Z")
    verification = checked(out, stolen)
    assert verification.exit_code == 1
    assert {step.id for step in verification.steps if step.status == "failed"} == {"key"}


@pytest.mark.parametrize(("seen", "code"), [(ISSUED, 0), (LATER - timedelta(days=1), 1)])
def test_what_a_witness_saw_before_the_theft_stays_valid(tmp_path: Path, seen: datetime, code: int) -> None:
    laboratory = Laboratory.in_folder(tmp_path / "laboratory")
    out = laboratory.assess(tmp_path / "out")
    generate_log_key(tmp_path / "witness.key", None)
    witness = load_log_signing_key(tmp_path / "witness.key", None)
    log = Log.open(laboratory.folder / "log", laboratory.log_key)
    log.add_cosignatures([cosign(log.note, "witness.example.net", witness, int(seen.timestamp()))])
    renew_receipts(out, log)
    verification = checked(
        out,
        party(laboratory.key, *STATEMENT_ROLES, compromised="2026-12-01T00:00:00Z"),
        Party(name="log.example.org", roles=(PartyRole.LOG,), key=laboratory.log_public.pem.decode()),
        Party(name="witness.example.net", roles=(PartyRole.WITNESS,), key=witness.public.pem.decode()),
    )
    assert verification.exit_code == code
    assert verification.witnesses == 1
    assert verification.passed("time")
    assert any("independent party saw" in text.en for text in verification.proves) == (code == 0)


class TestRecognition:
    """A stranger's certificate counts because somebody trusted says so, within scope and time."""

    @pytest.fixture
    def recogniser(self, tmp_path: Path) -> SigningKey:
        return key_in(tmp_path, "recogniser.key")

    def recognition(
        self, laboratory: Laboratory, recogniser: SigningKey, folder: Path, *, until: datetime = FAR, profile: str = ""
    ) -> Path:
        statement = recognise(
            "Lab B",
            laboratory.public,
            recogniser="Regulator",
            profiles=(profile or PROFILE.id,),
            levels=(PROFILE.level,),
            issued=ISSUED,
            until=until,
        )
        path = folder / "recognition.dsse.json"
        path.parent.mkdir(exist_ok=True)
        write_durably(path, sign(statement, recogniser).to_bytes())
        return path

    def test_given_or_beside(self, laboratory: Laboratory, out: Path, recogniser: SigningKey, tmp_path: Path) -> None:
        assessor = party(laboratory.key, PartyRole.ASSESSOR)
        regulator = party(recogniser, PartyRole.RECOGNISER, name="Regulator")
        assert exit_code(out, assessor, regulator) == 1
        file = self.recognition(laboratory, recogniser, tmp_path)
        verification = checked(out, assessor, regulator, recognitions=[file])
        assert verification.exit_code == 0
        (step,) = [step for step in verification.steps if step.id == "recognition"]
        assert step.text.en.startswith("Regulator recognises Lab B until 2030-01-01T00:00:00Z")
        self.recognition(laboratory, recogniser, out / "recognitions")
        assert exit_code(out, assessor, regulator) == 0
        assert exit_code(out, assessor) == 1  # the recogniser itself must be trusted

    def test_ends_with_its_time_and_scope(
        self, laboratory: Laboratory, out: Path, recogniser: SigningKey, tmp_path: Path
    ) -> None:
        trusted = (
            party(laboratory.key, PartyRole.ASSESSOR),
            party(recogniser, PartyRole.RECOGNISER, name="Regulator"),
        )
        ended = self.recognition(laboratory, recogniser, tmp_path, until=LATER)
        assert exit_code(out, *trusted, recognitions=[ended]) == 1
        other = self.recognition(laboratory, recogniser, tmp_path, profile="other-profile")
        assert exit_code(out, *trusted, recognitions=[other]) == 4

    def test_a_flipped_byte_is_refused(
        self, laboratory: Laboratory, out: Path, recogniser: SigningKey, tmp_path: Path
    ) -> None:
        file = self.recognition(laboratory, recogniser, tmp_path)
        trusted = (
            party(laboratory.key, PartyRole.ASSESSOR),
            party(recogniser, PartyRole.RECOGNISER, name="Regulator"),
        )
        original = file.read_bytes()
        for position in range(0, len(original), 41):
            changed = bytearray(original)
            changed[position] ^= 1
            file.write_bytes(changed)
            assert exit_code(out, *trusted, recognitions=[file]) == 1, position


class TestRoot:
    """Two of three people sign who is whom."""

    @pytest.fixture
    def keys(self, tmp_path: Path) -> list[SigningKey]:
        return [key_in(tmp_path, f"root{number}.key") for number in range(3)]

    def root(self, keys: list[SigningKey], parties: list[Party], *, version: int = 1) -> bytes:
        return new_root([key.public for key in keys], 2, parties, FAR, version=version)

    def test_two_of_three(self, keys: list[SigningKey], laboratory: Laboratory, out: Path) -> None:
        unsigned = self.root(keys, [party(laboratory.key, PartyRole.ASSESSOR, PartyRole.CERTIFIER)])
        once = sign_root(unsigned, keys[0], "root.json")
        with pytest.raises(EvidenceError, match="signed by 1 of the 2 keys"):
            read_root(once, "root.json", at=LATER)
        with pytest.raises(EvidenceError, match="signed by 1 of the 2 keys"):
            read_root(sign_root(once, keys[0], "root.json"), "root.json", at=LATER)
        found = read_root(sign_root(once, keys[2], "root.json"), "root.json", at=LATER)
        assert (found.version, found.threshold, len(found.signed_by), len(found.keys)) == (1, 2, 2, 3)
        assert verify(out, trusted=found.trusted, at=LATER).ok

    def test_no_byte_can_be_changed(self, keys: list[SigningKey], laboratory: Laboratory) -> None:
        parties = [party(laboratory.key, PartyRole.ASSESSOR)]
        data = self.root(keys, parties)
        for key in keys[:2]:
            data = sign_root(data, key, "root.json")
        for position in range(0, len(data), 23):
            changed = bytearray(data)
            changed[position] ^= 1
            try:
                found = read_root(bytes(changed), "root.json", at=LATER)
            except UserError:
                continue
            assert found.trusted.parties == tuple(parties), position  # at most white space or an unused part

    def test_strangers_and_expired_roots(self, keys: list[SigningKey], tmp_path: Path, laboratory: Laboratory) -> None:
        data = self.root(keys, [party(laboratory.key, PartyRole.ASSESSOR)])
        with pytest.raises(EvidenceError, match="does not name this key"):
            sign_root(data, key_in(tmp_path, "stranger.key"), "root.json")
        for key in keys[:2]:
            data = sign_root(data, key, "root.json")
        with pytest.raises(EvidenceError, match="expired on 2030-01-01"):
            read_root(data, "root.json", at=FAR)
        with pytest.raises(EvidenceError, match="threshold of 4"):
            new_root([key.public for key in keys], 4, [], FAR)
        for hostile in (b"", b"{}", b"[" * 100_000, b'{"signed":{"_type":"root"}}'):
            with pytest.raises(EvidenceError):
                read_root(hostile, "root.json", at=LATER)

    def test_a_new_root_is_signed_by_the_old_and_the_new(
        self, keys: list[SigningKey], tmp_path: Path, laboratory: Laboratory
    ) -> None:
        parties = [party(laboratory.key, PartyRole.ASSESSOR)]
        first = self.root(keys, parties)
        for key in keys[:2]:
            first = sign_root(first, key, "root.json")
        fresh = [key_in(tmp_path, f"fresh{number}.key") for number in range(2)]
        shared = [*fresh, keys[0], keys[1]]
        second = new_root([key.public for key in shared], 2, parties, FAR, version=2)
        for key in fresh:
            second = sign_root(second, key, "root.json")
        with pytest.raises(EvidenceError, match="does not follow the pinned root"):
            read_root(second, "root.json", at=LATER, previous=first)
        for key in keys[:2]:
            second = sign_root(second, key, "root.json")
        assert read_root(second, "root.json", at=LATER, previous=first).version == 2
        with pytest.raises(EvidenceError, match="does not follow the pinned root"):
            read_root(second, "root.json", at=LATER, previous=second)

    def test_parties_come_from_a_list_and_key_files(self, tmp_path: Path, laboratory: Laboratory) -> None:
        (tmp_path / "lab.pub").write_bytes(laboratory.public.pem)
        (tmp_path / "log.pub").write_bytes(laboratory.log_public.pem)
        (tmp_path / "parties.yaml").write_text(PARTIES)
        lab, log = read_parties(tmp_path / "parties.yaml")
        assert (lab.key_id, log.key_id) == (laboratory.public.id, laboratory.log_public.id)
        (tmp_path / "log.pub").write_text("nonsense")
        with pytest.raises(UserError):
            read_parties(tmp_path / "parties.yaml")


PARTIES = """
schema: touchstone.parties/v1
parties:
- name: Lab A
  roles: [assessor, certifier]
  key_file: lab.pub
- name: log.example.org
  roles: [log]
  key_file: log.pub
"""


class TestPolicy:
    """The relying party decides, and says why not."""

    def policy(self, laboratory: Laboratory, folder: Path, require: str, more: str = "") -> Policy:
        path = folder / "policy.yaml"
        path.write_text(
            f"""
schema: touchstone.policy/v1
name: Ministry
trust:
- {{name: Lab A, key: "{laboratory.public.id}", roles: [assessor, certifier]}}
- {{name: Log, key: "{laboratory.log_public.id}", roles: [log]}}
{more}
require:
  {require}
"""
        )
        return Policy.read(path)

    def known(self, laboratory: Laboratory) -> tuple[Party, ...]:
        log = Party(name="log.example.org", roles=(PartyRole.LOG,), key=laboratory.log_public.pem.decode())
        return (party(laboratory.key, *STATEMENT_ROLES), log)

    @pytest.mark.parametrize(
        ("require", "reason"),
        [
            ("{synthetic: true}", None),
            ("{synthetic: true, profiles: {test-profile: ['2026-11']}, levels: [basic]}", None),
            ("{}", "does not accept a system that is made up"),
            ("{synthetic: true, profiles: {other: []}}", "does not accept the profile test-profile"),
            ("{synthetic: true, profiles: {test-profile: ['2025-01']}}", "does not accept edition 2026-11"),
            ("{synthetic: true, levels: [AL3]}", "does not accept the assurance level basic"),
            ("{synthetic: true, witnesses: 1}", "asks for 1 independent witnesses; there are 0"),
            ("{synthetic: true, status_max_age_days: 7}", "asks for the issuer's status snapshot"),
            ("{synthetic: true, replications: 1}", "asks for 1 replications by other trusted laboratories"),
        ],
    )
    def test_each_demand(
        self, laboratory: Laboratory, out: Path, tmp_path: Path, require: str, reason: str | None
    ) -> None:
        policy = self.policy(laboratory, tmp_path, require)
        verification = checked(out, *self.known(laboratory), policy=policy)
        reasons = [step.text.en for step in verification.steps if step.status == "unmet" and step.id == "policy"]
        if reason is None:
            assert (verification.exit_code, reasons) == (0, [])
            assert verification.passed("policy")
            assert verification.passed("log")  # the log's key came from the policy too
        else:
            assert verification.exit_code == 4
            assert [reason in found for found in reasons] == [True]

    def test_a_fresh_snapshot_meets_the_demand_for_one(self, laboratory: Laboratory, out: Path, tmp_path: Path) -> None:
        policy = self.policy(laboratory, tmp_path, "{synthetic: true, status_max_age_days: 3}")
        for days, code in ((2, 0), (4, 4)):
            status = write_snapshot(
                [out],
                tmp_path / "snapshot.dsse.json",
                laboratory.key,
                issuer="Lab",
                as_of=LATER - timedelta(days=days),
                valid_for=timedelta(days=7),
            )
            assert exit_code(out, *self.known(laboratory), policy=policy, status=status) == code

    def test_it_trusts_nobody_it_does_not_name(self, laboratory: Laboratory, tmp_path: Path) -> None:
        stranger = Laboratory.in_folder(tmp_path / "stranger")
        theirs = stranger.assess(tmp_path / "theirs")
        policy = self.policy(laboratory, tmp_path, "{synthetic: true}")
        their_log = Party(name="log.example.org", roles=(PartyRole.LOG,), key=stranger.log_public.pem.decode())
        known = (*self.known(laboratory), party(stranger.key, *STATEMENT_ROLES, name="Stranger"), their_log)
        assert exit_code(theirs, *known) == 0
        assert exit_code(theirs, *known, policy=policy) == 1

    def test_a_key_that_was_not_given_is_an_error(self, laboratory: Laboratory, out: Path, tmp_path: Path) -> None:
        policy = self.policy(laboratory, tmp_path, "{synthetic: true}")
        with pytest.raises(EvidenceError, match="which was not given"):
            exit_code(out, party(laboratory.key, *STATEMENT_ROLES), policy=policy)

    def test_a_refusal_is_not_what_is_asked_for(self, laboratory: Laboratory, tmp_path: Path) -> None:
        refused = laboratory.assess(tmp_path / "refused", accuracy="0.5")
        policy = self.policy(laboratory, tmp_path, "{synthetic: true}")
        assert exit_code(refused, *self.known(laboratory), policy=policy) == 4

    def test_misspelt_demands_are_not_ignored(self, laboratory: Laboratory, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="witneses"):
            self.policy(laboratory, tmp_path, "{witneses: 2}")

    @pytest.mark.parametrize(
        ("accuracy", "agreement", "code"),
        [
            ("0.95", "identical", 0),
            ("0.955", "overlapping-intervals", 0),
            ("0.95000001", "within-tolerance", 0),
            ("0.955", "identical", 4),
            ("0.99", "overlapping-intervals", 1),
        ],
    )
    def test_replications_by_another_laboratory(
        self, laboratory: Laboratory, out: Path, tmp_path: Path, accuracy: str, agreement: Agreement, code: int
    ) -> None:
        second = key_in(tmp_path, "second.key")
        replicate(out, second, accuracy)
        policy = self.policy(
            laboratory,
            tmp_path,
            f"{{synthetic: true, replications: 1, agreement: {agreement}}}",
            f'- {{name: Lab B, key: "{second.public.id}", roles: [assessor]}}',
        )
        known = (*self.known(laboratory), party(second, PartyRole.ASSESSOR, name="Lab B"))
        assert exit_code(out, *known, policy=policy) == code

    def test_a_laboratory_cannot_replicate_itself(self, laboratory: Laboratory, out: Path, tmp_path: Path) -> None:
        replicate(out, laboratory.key, "0.95")
        policy = self.policy(laboratory, tmp_path, "{synthetic: true, replications: 1}")
        assert exit_code(out, *self.known(laboratory), policy=policy) == 4

    def test_a_stranger_cannot_contradict(self, laboratory: Laboratory, out: Path, tmp_path: Path) -> None:
        replicate(out, key_in(tmp_path, "rival.key"), "0.1")
        verification = checked(out, *self.known(laboratory))
        assert verification.exit_code == 0
        assert [step.status for step in verification.steps if step.id == "replication"] == ["not-checked"]


def replicate(out: Path, key: SigningKey, accuracy: str) -> Replication:
    """What another laboratory would sign that measured `accuracy`."""
    statement = replication_statement(
        laboratory="Lab B",
        envelope=digest_of((out / StatementName.ASSESSMENT.file).read_bytes()),
        evidence=Bundle.open(out / "evidence").manifest_digest,
        finished=LATER,
        tool="touchstone test",
        first=(assessment("0.95"), {CHECK.id: observation("0.95")}),
        second=(assessment(accuracy), {CHECK.id: observation(accuracy)}),
    )
    (out / "replications").mkdir(exist_ok=True)
    write_durably(out / "replications" / "lab-b.dsse.json", sign(statement, key).to_bytes())
    return Replication.from_json(statement.predicate, "replication")
