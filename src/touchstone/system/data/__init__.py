"""Data sets behind one face, one file per format. Reading validates; nothing is repaired silently."""
