"""The log: append bytes, get a signed checkpoint, prove what is in it.

    log.sqlite     entries and every checkpoint ever signed; the durable truth, kept by the log's owner
    tile/          tree and entries as files (see `tiles`); made from the truth, can be made again
    checkpoint     the latest signed checkpoint, replaced in one step
    lock           held while one process appends

`tile/` and `checkpoint` are all that readers need: publish them with any web server.

An append is one transaction (entries and their signed checkpoint), then tiles, then the checkpoint file: persisted
before published, so no crash can lead to two roots for one size. Full tiles reach the disk before the checkpoint that
needs them. What a crash leaves half done is finished by the next process that appends. A database older than the
published checkpoint, a restored backup, is refused: going on from there would be a fork.

A log on one disk cannot show that its owner never rolled back both. For that, witnesses keep its checkpoints.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from touchstone.tlog import merkle
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.durable import flush_folder, read_regular, replace
from touchstone.tlog.errors import TlogError
from touchstone.tlog.note import LARGEST_NOTE, Note, NoteSignature, PrivateKey, VerifierKey
from touchstone.tlog.proof import TlogProof
from touchstone.tlog.store import SignedSize, Store
from touchstone.tlog.tiles import (
    ENTRIES,
    LARGEST_ENTRY,
    WIDTH,
    Tiles,
    edge_root,
    grow,
    pack_entries,
    tile_path,
)

CHECKPOINT = "checkpoint"
DATABASE = "log.sqlite"
LOCK = "lock"
TILES = "tile"
_AT_ONCE = WIDTH * WIDTH
"""How many entries are in memory while tiles are made again."""


class Log:
    """A log in a folder: anyone reads it from its tiles, the holder of its key appends. One object for one thread.

    >>> import tempfile
    >>> from touchstone.signatures.keys import generate_log_key, load_log_signing_key
    >>> folder = Path(tempfile.mkdtemp())
    >>> public = generate_log_key(folder / "log.key", passphrase=None)
    >>> log = Log.create(folder / "log", "log.example.org", load_log_signing_key(folder / "log.key", None))
    >>> log.append_many([b"first", b"second", b"first"])
    [0, 1, 0]
    >>> log.prove(1).holds(b"second"), log.note.signed_by(VerifierKey.of("log.example.org", public))
    (True, True)
    """

    def __init__(self, folder: Path, key: PrivateKey | None) -> None:
        """For :meth:`open` and :meth:`create`."""
        self._folder = folder
        self._key = key
        self._writer: _Writer | None = None
        self._read()

    @classmethod
    def create(cls, folder: Path, origin: str, key: PrivateKey) -> Log:
        """Begin a log under a name unique in the world (a domain name). Raises `TlogError` if one is there."""
        note = Checkpoint(origin, 0, merkle.EMPTY_ROOT).sign(key)
        with suppress(FileExistsError, NotADirectoryError):  # then it cannot be locked, which says so
            folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if (folder / CHECKPOINT).exists():
                raise TlogError("holds a log already", str(folder))
            with closing(Store(folder / DATABASE)) as store:
                begun = store.last()
                if begun is not None and begun.size:
                    raise TlogError("holds a log already", str(folder))
                if begun is not None and begun.note != note.to_bytes():
                    raise TlogError("was begun under another name or key", str(folder))
                if begun is None:
                    store.commit(0, [], SignedSize(0, merkle.EMPTY_ROOT, note.to_bytes()))
            (folder / TILES).mkdir(exist_ok=True)
            _publish(folder, note.to_bytes())
        return cls(folder, key)

    @classmethod
    def open(cls, folder: Path, key: PrivateKey | None = None) -> Log:
        """Read a log; with its `key` also append. Raises `TlogError` when there is none, or it is another's.

        Without a key the checkpoint's signature is not looked at: ask `log.note.signed_by(...)`. Whether all entries
        add up to the checkpoint shows when :meth:`entries` has come to its end.
        """
        return cls(folder, key)

    def append(self, entry: bytes) -> int:
        """Append an entry durably and return its index; the same bytes keep their first index."""
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[bytes]) -> list[int]:
        """Append entries under one checkpoint and return their indexes; the same bytes keep their first index.

        Once this returns, the entries are on disk, in the tiles and under the published checkpoint. Raises `TlogError`
        for an entry longer than 65535 bytes, or when the folder is not in order.
        """
        if any(len(entry) > LARGEST_ENTRY for entry in entries):
            raise TlogError("is longer than the 65535 bytes an entry may have", "entry")
        if self._key is None:
            raise ValueError("the log was opened without its key")
        with self._writing() as writer:
            hashes = [merkle.leaf_hash(entry) for entry in entries]
            known = writer.store.positions(hashes)
            new: dict[bytes, bytes] = {}
            for leaf, entry in zip(hashes, entries, strict=True):
                if leaf not in known:
                    known[leaf] = writer.size + len(new)
                    new[leaf] = entry
            if new:
                writer.append(list(new.items()), self.checkpoint.origin, self._key)
        return [known[leaf] for leaf in hashes]

    def prove(self, index: int) -> TlogProof:
        """Proof that entry `index` is under the present checkpoint. Raises `IndexError` for no such entry."""
        hashes = tuple(Tiles(self._folder, self.checkpoint.size).inclusion_proof(index))
        return TlogProof(index, hashes, self.note, self.checkpoint)

    def prove_consistency(self, first: int, second: int) -> list[bytes]:
        """Hashes that show that the first `second` entries begin with the first `first` (at least one)."""
        if second > self.checkpoint.size:
            raise IndexError(f"no tree of {second} entries in a log of {self.checkpoint.size}")
        return Tiles(self._folder, second).consistency_proof(first)

    def extends(self, earlier: Checkpoint) -> bool:
        """Whether this log only added to what an earlier checkpoint committed to."""
        if earlier.origin != self.checkpoint.origin or earlier.size > self.checkpoint.size:
            return False
        if earlier.size == 0:
            return earlier.root == merkle.EMPTY_ROOT
        proof = self.prove_consistency(earlier.size, self.checkpoint.size)
        return merkle.verify_consistency(earlier.size, self.checkpoint.size, earlier.root, self.checkpoint.root, proof)

    def entries(self) -> Iterator[bytes]:
        """All entries in order. Raises `TlogError` at the end unless they and the tiles add up to the checkpoint."""
        tiles = Tiles(self._folder, self.checkpoint.size)
        edge: list[list[bytes]] = []
        for index, entry in enumerate(tiles.entries()):
            for level, full in grow(edge, merkle.leaf_hash(entry)):
                number = index >> (8 * level + 8)
                if full != tiles.full(level, number):
                    raise TlogError(
                        "does not hold the hashes of its entries", str(self._folder / tile_path(level, number))
                    )
            yield entry
        if edge_root(edge) != self.checkpoint.root or edge != tiles.edge():
            raise TlogError("does not add up to the root in the checkpoint", str(self._folder))

    def add_cosignatures(self, lines: Iterable[NoteSignature]) -> None:
        """Publish the present checkpoint with further signature lines, which the caller has verified.

        Raises `TlogError` when another process has appended since this log was opened: the lines are not about that.
        """
        asked = self.checkpoint
        with self._writing() as writer:
            if self.checkpoint != asked:
                raise TlogError("has grown since the witnesses were asked: ask again", str(self._folder))
            data = self.note.with_signatures(lines).to_bytes()
            Note.parse(data, str(self._folder / CHECKPOINT))  # not more of them than a note may have
            writer.store.cosigned(asked.size, data)
            _publish(self._folder, data)

    def rebuild(self) -> None:
        """Make all tiles and the checkpoint file again from the database."""
        with self._writing(rebuild=True):
            pass

    def close(self) -> None:
        """Give the database back, if anything was appended."""
        if self._writer is not None:
            self._writer.store.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _writing(self, *, rebuild: bool = False) -> Iterator[_Writer]:
        """Keep other processes out and take up where the last of them stopped; afterwards, show what is now."""
        with _locked(self._folder):
            if self._writer is None:
                self._writer = _Writer(self._folder)
            self._writer.catch_up(rebuild=rebuild)
            self._read()
            try:
                yield self._writer
            except BaseException:
                self.close()  # what it remembers may be ahead of what is on disk
                raise
            self._read()

    def _read(self) -> None:
        """Take note of the published checkpoint; whoever appends goes on from none but their own."""
        if not os.path.lexists(self._folder / CHECKPOINT):
            raise TlogError("is no transparency log: it has no checkpoint", str(self._folder))
        self.note, self.checkpoint = read_checkpoint(self._folder / CHECKPOINT)
        key = None if self._key is None else VerifierKey.of(self.checkpoint.origin, self._key.public)
        if key is not None and not self.note.signed_by(key):
            raise TlogError("is not signed by the key given for the log", str(self._folder / CHECKPOINT))


class _Writer:
    """The right edge of the tree in memory, and the files that follow from what is added to it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / DATABASE)
        self.size = -1
        """How many entries edge and bundle account for; none before :meth:`catch_up`."""
        self._folder = folder
        self._edge: list[list[bytes]] = []
        self._bundle: list[bytes] = []

    def catch_up(self, *, rebuild: bool) -> None:
        """Bring memory and files to what the database holds. Raises `TlogError` where that would fork the log."""
        _, published = read_checkpoint(self._folder / CHECKPOINT)
        last, known = self.store.last(), self.store.at(published.size)
        if last is None or last.size < published.size:
            raise TlogError(
                "is older than the published checkpoint: to go on from a restored backup would fork the log",
                str(self._folder / DATABASE),
            )
        if known is None or known.root != published.root:
            raise TlogError("is not a checkpoint of the database beside it", str(self._folder / CHECKPOINT))
        if rebuild or not (self.size == last.size == published.size or self._load(known)):
            self.size, self._edge, self._bundle = 0, [], []
        if self.size < last.size:
            self._write_missing(last)
        if published.size != last.size or rebuild:
            _publish(self._folder, last.note)

    def append(self, new: Sequence[tuple[bytes, bytes]], origin: str, key: PrivateKey) -> None:
        """Add entries (leaf hash and bytes): sign, commit, write tiles, publish."""
        before = self.size
        filled = self._grow(new)
        checkpoint = Checkpoint(origin, self.size, edge_root(self._edge))
        note = checkpoint.sign(key).to_bytes()
        self.store.commit(before, new, SignedSize(checkpoint.size, checkpoint.root, note))
        self._write_tiles(filled)
        _publish(self._folder, note)

    def _write_missing(self, last: SignedSize) -> None:
        """Write the tiles from the present size on, once the entries are known to add up to what was signed."""
        edge = [list(hashes) for hashes in self._edge]
        for entry in self.store.entries(self.size, last.size):
            for _ in grow(edge, merkle.leaf_hash(entry)):
                pass
        if edge_root(edge) != last.root:
            self.size = -1
            raise TlogError("holds entries that do not add up to its checkpoint", str(self._folder / DATABASE))
        while self.size < last.size:
            part = self.store.entries(self.size, min(last.size, self.size + _AT_ONCE))
            self._write_tiles(self._grow((merkle.leaf_hash(entry), entry) for entry in part))

    def _load(self, known: SignedSize) -> bool:
        """Take the edge from the tiles of a published size; `False` unless they add up to its root."""
        tiles = Tiles(self._folder, known.size)
        try:
            edge = tiles.edge()
            bundle = list(tiles.entries(known.size - known.size % WIDTH))
        except TlogError:
            return False
        whole = not edge or edge[0] == [merkle.leaf_hash(entry) for entry in bundle]
        if edge_root(edge) != known.root or not whole:
            return False
        self.size, self._edge, self._bundle = known.size, edge, bundle
        return True

    def _grow(self, new: Iterable[tuple[bytes, bytes]]) -> list[tuple[int | str, int, bytes]]:
        """Add entries to the edge. Returns the tiles they filled: level, number and bytes."""
        filled: list[tuple[int | str, int, bytes]] = []
        for leaf, entry in new:
            self._bundle.append(entry)
            for level, full in grow(self._edge, leaf):
                if level == 0:
                    filled.append((ENTRIES, self.size // WIDTH, pack_entries(self._bundle)))
                    self._bundle = []
                filled.append((level, self.size >> (8 * level + 8), b"".join(full)))
            self.size += 1
        return filled

    def _write_tiles(self, filled: Iterable[tuple[int | str, int, bytes]]) -> None:
        """Write the full tiles to the disk and, for now, the partial ones at the edge."""
        folders: set[Path] = set()
        for level, number, data in filled:
            path = self._write(tile_path(level, number), data, flush=True)
            shutil.rmtree(path.with_name(path.name + ".p"), ignore_errors=True)  # the full tile answers for them
            folders.update(folder for folder in path.parents if folder.is_relative_to(self._folder))
        for folder in sorted(folders):
            flush_folder(folder)
        for level, hashes in enumerate(self._edge):
            if hashes:
                self._write(tile_path(level, self.size >> (8 * level + 8), len(hashes)), b"".join(hashes))
        if self._bundle:
            self._write(tile_path(ENTRIES, self.size // WIDTH, len(self._bundle)), pack_entries(self._bundle))

    def _write(self, name: str, data: bytes, *, flush: bool = False) -> Path:
        path = self._folder / name
        try:
            replace(path, data, flush=flush)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, data, flush=flush)
        return path


def read_checkpoint(path: Path) -> tuple[Note, Checkpoint]:
    """A checkpoint's file. Raises `TlogError` when it is none; the signatures are not looked at."""
    try:
        data = read_regular(path, LARGEST_NOTE)
    except FileNotFoundError:
        raise TlogError("does not exist", str(path)) from None
    note = Note.parse(data, str(path))
    return note, Checkpoint.of(note, str(path))


def _publish(folder: Path, note: bytes) -> None:
    replace(folder / CHECKPOINT, note, flush=True)
    flush_folder(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the log; others wait, which takes milliseconds."""
    import fcntl  # only where logs are written: verifying works without it

    try:
        lock = (folder / LOCK).open("a")
    except OSError:
        raise TlogError("is no folder that can be written to", str(folder)) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
