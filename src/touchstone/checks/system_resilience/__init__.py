"""Tests of control head SR: does the system keep working when inputs are hostile, corrupted or foreign to it?

Beside the checks live only what they share: how inputs are seen, the attacker, and pictures for the evidence.
"""
