"""Messages are compared in English, whatever the language of the machine; numeric libraries use one thread."""

import os

os.environ["TOUCHSTONE_LANG"] = "en"
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
