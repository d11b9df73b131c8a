"""The terminal reader: a person judges one criterion at a time, blind, and goes on wherever they stopped.

A pure core (`state`, `turn`, `screen`) and a thin edge (`terminal`); `session` joins them, `desk` knows the ledger.
"""

from api.cli.reading.read import read_run
from api.cli.reading.waiting import Waiting

__all__ = ["Waiting", "read_run"]
