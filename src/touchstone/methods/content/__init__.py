"""What large bodies of text contain: texts as a reader sees them, and lexicons searched for in all of them at once.

A lexicon finds wording, not meaning. Everything here works on whole batches of texts as one array of characters, so
that every row of a corpus can be read rather than a few.
"""
