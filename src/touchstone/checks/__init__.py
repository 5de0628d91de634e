"""THE TESTS: one file per check, in rooms named as the standard names them.

A check measures and never judges: no limit, verdict or report may enter here. Adding one is one file in one of
the rooms, its twin in `tests/`, and one entry in the catalog pack; nothing else changes.
"""
