"""The admission gate: what may enter a model hub, a registry or a build, decided on a scan and on the record.

    gate = Gate(Store(Path("gate")), policy, scan, scanner, key, log)
    for decided in gate.decide_waiting(): ...

An item (a file or a folder) is taken out of the inbox, scanned, decided on, and moved to `admitted`, `quarantined` or
`refused`, each by one rename. The decision names the digest of every file, is signed, and is on the log *before* the
item moves: nothing is admitted that the log does not know. A gate that is killed goes on where it was.

No test of behaviour belongs here, and no rule about formats: those are the scan's. What a finding means for admission
is the policy's.
"""
