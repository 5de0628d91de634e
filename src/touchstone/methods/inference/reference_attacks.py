"""Membership attacks that know how hard a sample is: they compare the model with references of the same task.

A sample that every model answers well says nothing when this model does; one that only those answer well that were
trained on it gives itself away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit
from scipy.stats import norm

from touchstone.methods.inference.answers import SMALLEST, Answers, References

FEWEST_FOR_LIKELIHOODS = 16
"""References from which the likelihood ratio is the stronger attack; with fewer its averages are too rough."""


def relative_likelihood(suspects: Answers, _: Answers, __: Answers) -> NDArray[np.float64]:
    """How much likelier the true class is to this model than to models at large (RMIA; Zarifzadeh et al. 2024, ICML).

    The paper counts the non-members whose ratio is smaller. That count only ever grows with the ratio, so the ratio
    itself orders samples alike, and without ties.
    """
    return np.asarray(log_expit(suspects.log_odds) - at_large(_references(suspects)))


def calibrated_loss(suspects: Answers, _: Answers, __: Answers) -> NDArray[np.float64]:
    """Log-odds beyond those of models that never saw the sample (Watson et al. 2022, ICLR)."""
    return np.asarray(suspects.log_odds - unseen(_references(suspects)))


def likelihood_ratio(suspects: Answers, _: Answers, __: Answers) -> NDArray[np.float64]:
    """Whether the log-odds look like those of models that saw the sample (LiRA, online; Carlini et al. 2022, S&P).

    Normal densities around the means of each sample, with one spread for all samples on either side.
    """
    references = _references(suspects)
    densities = []
    for side in (references.trained, ~references.trained):
        mean = _mean(references.log_odds, side)
        spread = np.sqrt(((references.log_odds - mean)[side] ** 2).mean())
        densities.append(norm.logpdf(suspects.log_odds, mean, max(float(spread), SMALLEST)))
    return np.asarray(densities[0] - densities[1])


def at_large(references: References) -> NDArray[np.float64]:
    """Logarithm of how likely the true class is to the references on average, shape `(n,)`."""
    return np.asarray(np.log(np.maximum(expit(references.log_odds).mean(axis=0), SMALLEST)))


def unseen(references: References) -> NDArray[np.float64]:
    """Mean log-odds of the true class to references that never saw the sample, shape `(n,)`."""
    return _mean(references.log_odds, ~references.trained)


def _references(suspects: Answers) -> References:
    if suspects.references is None:
        raise ValueError("this attack needs references")
    return suspects.references


def _mean(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the references at `where`, both `(R, n)`, for each sample."""
    return np.asarray((values * where).sum(axis=0) / where.sum(axis=0))
