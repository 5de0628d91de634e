"""A gate for tests: real keys, a real log, the real scanner, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.evidence.made import Laboratory
from touchstone.admission.gate import Gate, Scan
from touchstone.admission.policy import DEFAULT, GatePolicy
from touchstone.admission.scanning import item_scanner
from touchstone.admission.store import Store
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.leaf import leaf_of
from touchstone.laboratory.issuing import OwnLog
from touchstone.tlog.log import Log

HARMLESS = b"\x80\x04}\x8c\x01w]K\x01as."
RUNS_CODE = b"cos\nsystem\n(S'echo planted'\ntR."


scan_item = item_scanner()


@dataclass(frozen=True)
class Door:
    """A gate and where its things are."""

    gate: Gate
    laboratory: Laboratory

    @classmethod
    def build(cls, folder: Path, policy: GatePolicy = DEFAULT, scan: Scan = scan_item) -> Door:
        """A gate with a store, a key and a log of its own."""
        return cls.of(Laboratory.in_folder(folder / "lab"), folder / "store", policy, scan)

    @classmethod
    def of(cls, laboratory: Laboratory, store: Path, policy: GatePolicy = DEFAULT, scan: Scan = scan_item) -> Door:
        """Another gate on the same store, as after a restart."""
        log = OwnLog(laboratory.folder / "log", laboratory.log_key)
        return cls(Gate(Store(store), policy, scan, "touchstone test", laboratory.key, log), laboratory)

    def hand_in(self, name: str, data: bytes) -> Path:
        """Put a file into the inbox."""
        path = self.gate.store.root / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def held(self) -> list[Path]:
        """Everything that lies in any of the store's folders."""
        return [path for folder in self.gate.store.root.iterdir() if folder.is_dir() for path in folder.iterdir()]

    def logged(self, ticket: str) -> bool:
        """Whether the log holds the signed decision."""
        name = f"{ticket}.dsse.json"
        envelope = Envelope.from_bytes((self.gate.store.decisions / name).read_bytes(), name)
        with Log.open(self.laboratory.folder / "log") as log:
            return leaf_of(envelope, self.laboratory.public) in set(log.entries())
