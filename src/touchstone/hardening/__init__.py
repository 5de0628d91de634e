"""Making a system harder to fool, and measuring honestly what that gained and cost.

A recipe makes a new system in a new folder, described like any other, with the digest of the one it came from. Both are
then attacked alike on the same held-out samples; the report says what changed, also when nothing did.
"""
