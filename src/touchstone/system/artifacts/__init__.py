"""Safe readers of file formats: bytes in, facts about them out.

Nothing here executes, imports or unpickles anything of a file, whatever the file says. A reader is bounded in memory,
depth and output, never raises on hostile bytes, and says so when it did not understand all of a file. What a fact
means for a verdict is not decided here.
"""
