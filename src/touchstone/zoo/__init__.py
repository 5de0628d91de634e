"""A zoo of small picture classifiers, honest and backdoored, on which detectors are developed and measured.

The zoo is generated, not downloaded: every model follows from a seed, so that whoever doubts a figure can build the
same models again. Needs PyTorch.
"""
