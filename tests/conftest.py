"""Messages are compared in English, whatever the language of the machine; numeric libraries use one thread."""

import os

import click

os.environ["TOUCHSTONE_LANG"] = "en"
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from touchstone.cli import COMMANDS, touchstone  # noqa: E402 - after the language is set

# Help texts are made in the language of the first import, which must not be that of a test that speaks Chinese.
for name in COMMANDS:
    touchstone.get_command(click.Context(touchstone), name)
