"""`python -m nashira`."""

from .server.cli import main

main()
