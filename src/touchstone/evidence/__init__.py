"""The evidence room: what was found, in a form that anyone can check offline without trusting the tester.

Here live the keys, the content-addressed bundle, the signed statements about it, the log that makes them
impossible to deny or to backdate against each other, the decision (certificate or refusal), and `verify`.
The formats follow the OCI image layout, in-toto Statement v1, DSSE, RFC 6962 and C2SP signed notes and checkpoints;
timestamps follow RFC 3161, and what Sigstore, SCITT and SM2 verifiers want is drawn from the same signatures.

What may not enter: anything that measures, judges or renders, any network access, any clock. Every file this
room writes has exactly one valid spelling, so that no byte of it can change unnoticed.
"""
