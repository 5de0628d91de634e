"""Models behind one face, one file per runtime. A handle answers; it never judges, attacks or stores."""
