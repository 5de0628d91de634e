"""WHAT is tested: the description of a system, the safe readers of its files, its models and its data.

Nothing of a subject is executed here to look at it. Readers parse bytes; models run only when a check asks a
handle for an answer, which happens inside an isolated worker. No control, limit or verdict may enter this room.
"""
