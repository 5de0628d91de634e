"""HOW: attacks, corruptions, estimators as pure algorithms over arrays and callables.

They know nothing of systems, controls, limits or reports, read no file and draw random numbers only from the
generator they are given. Each reads like the paper it names.
"""
