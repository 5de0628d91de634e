"""Against what a system is tested: controls, profiles, cross-walks, applicability, and the judge.

The content is data (`packs/*.yaml`), dated and readable without a program. The code here reads it, refuses it
when it breaks the rules that make a verdict defensible, resolves profiles, and judges recorded observations.
Nothing may enter that opens a system, runs a model or measures anything: the judge sees records only, so
yesterday's observations can be judged against tomorrow's profile.

    >>> from touchstone.standard.catalog import load_standard
    >>> load_standard().profile("baseline-screening").level
    'AL2'
"""
