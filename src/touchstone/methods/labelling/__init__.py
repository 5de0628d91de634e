"""Labels of generated content: where files carry them, what they say, and how people see or hear them.

Pure functions over the bytes of one file, its text, its pixels or its sound. Bytes are hostile: every length is
compared with what is there before it is believed, what unpacks is bounded, and nothing of a file is run.
"""
