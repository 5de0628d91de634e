"""Attributions of an answer to the parts of an input, and tests of what they are worth.

Explained are the log-odds of one class, `log p / (1 - p)`: unlike a logit they are the same for every way to write the
scores. A *part* is what is attributed to and taken away as a whole: a column, a cell of a picture, a stretch of a
series. An attribution of shape `(n, P)` has one number per sample and part; positive speaks for the class.
"""
