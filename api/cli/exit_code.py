"""What the command tells the shell."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes (CONTRACT.md, Command)."""

    DONE = 0
    WRONG_INPUT = 1
    USAGE = 2
    UNGRADED = 3
    STOPPED = 4
    WORSE = 5
