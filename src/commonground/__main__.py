"""Run the command line by ``python -m commonground``."""

from commonground.cli import main

main()
