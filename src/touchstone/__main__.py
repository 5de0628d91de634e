"""`python -m touchstone` is the `touchstone` command."""

from touchstone.cli import main

main()
