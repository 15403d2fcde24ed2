"""`python -m loss_landscape`: the command `landscape`."""

from ._command import main

main()
