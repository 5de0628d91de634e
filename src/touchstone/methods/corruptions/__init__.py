"""Corruptions that happen without an attacker: noise, weather, lenses, compression, failing sensors.

The protocol is that of ImageNet-C (Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR): named families at severities 1 to 5. Constants are our own and lengths are in
parts of the shorter side, so that pictures of every size are treated alike. Severity 0 is the identity. Models and
limits may not enter.
"""
