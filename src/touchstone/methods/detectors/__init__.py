"""Detectors of adversarial inputs, and the attack that knows them.

Each module has `fit(...)`, which makes a frozen record from clean data, and `score(record, x)`, which is higher the
more suspicious an input is. A record holds the threshold that clean inputs pass with an exact chance. What a detector
is worth stands only in :func:`~touchstone.methods.detectors.adaptive.detector_report`, beside the success of an
attacker who knows it.
"""
