"""A transparency log: what was appended cannot be taken back, reordered or shown differently to different people.

The log is a folder of plain files in the C2SP formats (tlog-tiles, tlog-checkpoint, tlog-proof, tlog-cosignature,
tlog-witness, tlog-policy), so that any web server can publish it and any other implementation can check it.

    log        the log itself: append, checkpoint, prove, replay
    tiles      Merkle tree and entries in files of 256
    merkle     RFC 6962 hashes and proofs
    note       signed notes and their keys
    checkpoint, cosignature, proof, policy      one file per format
    witness    who cosigns other people's checkpoints; witness_server and witness_client carry it over HTTP

What may not enter: any meaning of the entries (they are bytes here), any import of the rest of the house, any
language but English; the rooms above translate. Needs the standard library and `cryptography` only.
"""
