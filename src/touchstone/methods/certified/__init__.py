"""Certificates: what no attack of a threat model can do, by proof or with stated confidence.

Bound propagation proves it for small networks (:mod:`~touchstone.methods.certified.crown`), randomised smoothing for
any classifier, but for the smoothed one only (:mod:`~touchstone.methods.certified.smoothing`). With what attacks broke,
they bracket the true robustness (:mod:`~touchstone.methods.certified.bracket`).
"""
