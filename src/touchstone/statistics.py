"""Intervals and sequential looks, used by checks and judge alike."""
