"""The address of a store that is a file."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of an SQLite file; what means something in a URL (`?`, `#`, `%`) is a name's letter here."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def sqlite_file(url: str) -> Path | None:
    """The file that an SQLite URL names; None for another store, one in memory, and what is no URL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    file = parsed.database or ":memory:"
    is_file = parsed.get_backend_name() == "sqlite" and file != ":memory:" and not file.startswith("file:")
    return Path(file) if is_file else None
