"""Cosignatures of witnesses (C2SP tlog-cosignature, `cosignature/v1`): this was the log's largest tree at that time.

The signed message is

    cosignature/v1
    time 1679315147
    the whole text of the checkpoint

and the signature bytes in the note are the time (eight bytes, big endian, seconds since 1970) before the 64 bytes of
Ed25519. The message does not name the witness, so a key must belong to one witness only.
"""

from __future__ import annotations

from touchstone.tlog.note import Algorithm, Note, NoteSignature, PrivateKey, VerifierKey

LATEST_TIME = 2**63 - 1
_TIME_BYTES = 8


def cosign(note: Note, name: str, key: PrivateKey, time: int) -> NoteSignature:
    """The line with which a witness confirms a checkpoint at `time` (seconds since 1970)."""
    verifier = VerifierKey.of(name, key.public, Algorithm.COSIGNATURE)
    signature = key.sign(_message(note, time))
    return NoteSignature(name, verifier.id, time.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(note: Note, key: VerifierKey) -> int | None:
    """When a witness confirmed the checkpoint in the note (its latest line counts); `None` when it did not."""
    if key.algorithm is not Algorithm.COSIGNATURE:
        return None
    times = []
    for line in note.signatures:
        if line.claims(key) and len(line.signature) == _TIME_BYTES + 64:
            time = int.from_bytes(line.signature[:_TIME_BYTES], "big")
            if time <= LATEST_TIME and key.verifies(line.signature[_TIME_BYTES:], _message(note, time)):
                times.append(time)
    return max(times, default=None)


def _message(note: Note, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{note.text}".encode()
