"""``python -m commsapp``."""

from commsapp.cli import main

main()
