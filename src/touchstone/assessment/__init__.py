"""Plan and run: which checks a system gets, each in a worker of its own, every finished result journalled.

The parent process that lives here never loads a model and never parses what a worker says without validating
it. Evidence, signatures and reports may not enter: they take what this room returns.
"""
