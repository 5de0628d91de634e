"""Evasion attacks: small changes of an input that change the answer.

Every attack takes arrays and callables, never leaves the ball and bounds of its :class:`ThreatModel`, treats each
sample as if it were alone (so results do not depend on batch size) and drops a sample the moment it is broken.
Models, data sets and limits may not enter.
"""
