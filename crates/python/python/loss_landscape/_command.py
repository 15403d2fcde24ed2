"""The command `landscape`, which the wheel carries beside the module."""

from __future__ import annotations

import os
import sys

_NAME = "landscape.exe" if os.name == "nt" else "landscape"


def path() -> str:
    """The executable.

    Raises:
        FileNotFoundError: where this build does not carry it.
    """
    found = os.path.join(os.path.dirname(os.path.abspath(__file__)), _NAME)
    if not os.path.exists(found):
        raise FileNotFoundError(
            f"this build of loss-landscape does not carry the command ({found}); "
            "build the wheel with scripts/python, or install it with cargo install --path crates/cli"
        )
    return found


def main() -> None:
    """Becomes the command."""
    try:
        command = path()
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")
    if os.name == "nt":
        import subprocess

        sys.exit(subprocess.run([command, *sys.argv[1:]]).returncode)
    os.execv(command, [command, *sys.argv[1:]])
