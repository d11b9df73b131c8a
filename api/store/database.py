"""One SQL database: its connections, its short transactions, its writer's lock, and its errors in plain words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Insert, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from api.store.lock import WriterLock
from rubrics import StoreError

_PRAGMAS = ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
_WRITES = "markscheme_writes"


class Database:
    """Reads and writes in short transactions; whatever goes wrong is a StoreError that names the place.

    Reads take a connection of their own and never wait for a write. Writes go one at a time. A database in memory has
    one connection, so there reads wait too.
    """

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.file = _file_of(parsed)
        self.place = str(self.file) if self.file else "the store in memory"
        self._writing = threading.RLock()
        self._reading: AbstractContextManager[Any] = nullcontext() if self.file else self._writing
        self._closed = False
        self._reader: Connection | None = None
        self._reader_in_use = threading.Lock()
        self._lock = WriterLock(self.file) if self.file else None
        self.engine = _engine(parsed, self.file)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with; every statement sees what was committed when it began."""
        self._refuse_if_closed()
        with self._reading, self._plain_words():
            if self._reader_in_use.acquire(blocking=False):
                # One connection stays at hand: taking and giving back one costs as much as a small query.
                try:
                    self._reader = self._reader or self.engine.connect()
                    yield self._reader
                except BaseException:
                    self._close_reader()
                    raise
                finally:
                    self._reader_in_use.release()
            else:
                with self.engine.connect() as connection:
                    yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end, undone by an exception; the writer's lock is held meanwhile."""
        self._refuse_if_closed()
        with self.lock(), self._writing, self._plain_words(), write_transaction(self.engine) as connection:
            yield connection

    def lock(self, *, wait: float = 0.0) -> AbstractContextManager[None]:
        """Be the one process that writes, for as long as the block lasts."""
        return self._lock.held(wait=wait) if self._lock else nullcontext()

    def before_first_write(self, act: Callable[[], None]) -> None:
        """What the holder of the writer's lock does first, once; a database in memory has no past to clear up."""
        if self._lock:
            self._lock.on_next = act

    def insert_new(self, table: Table, unique: Sequence[str]) -> sqlite.Insert | postgresql.Insert:
        """INSERT … ON CONFLICT (unique) DO NOTHING, in the words of the database at hand."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing(index_elements=unique)
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=unique)

    def insert_rows(self, connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run an insert for many rows, which all have the first one's columns; how many were inserted.

        SQLAlchemy would look at each value of each row first, which costs as much as inserting it.
        """
        names = list(rows[0])
        compiled = statement.compile(dialect=self.engine.dialect, column_keys=names)
        if compiled.positiontup is None:  # a driver that takes names
            return connection.execute(statement, rows).rowcount
        values = itemgetter(*compiled.positiontup)
        return connection.exec_driver_sql(str(compiled), list(map(values, rows))).rowcount

    def close(self) -> None:
        """Close every connection; closing twice is fine."""
        self._closed = True
        self._close_reader()
        self.engine.dispose()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError(f"{self.place}: this Store is closed; open it again")

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    @contextmanager
    def _plain_words(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError:
            raise StoreError(
                f"{self.place}: a text holds half of a surrogate pair, which is no character; nothing was written"
            ) from None
        except OverflowError:
            raise StoreError(f"{self.place}: a number needs more than 64 bits; nothing was written") from None
        except DBAPIError as error:
            raise StoreError(f"{self.place}: {self._explained(str(error.orig))}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"{self.place}: {error}") from error

    def _explained(self, found: str) -> str:
        for said, meaning in _MEANINGS.items():
            if said in found:
                return meaning
        if "unable to open" in found and self.file is not None:
            folder = self.file.parent
            if self.file.is_dir():
                return "this is a folder, expected a file; give another --store"
            if not folder.is_dir():
                return f"the folder {folder} does not exist; make it or give another --store"
            return "the file cannot be opened; see to its permissions or give another --store"
        return f"{found} (SQLite {sqlite3.sqlite_version})" if self.engine.dialect.name == "sqlite" else found


_MEANINGS = {
    "file is not a database": "this is no store (not an SQLite file); give another --store",
    "readonly database": "cannot be written, the file is read-only; see to its permissions or give another --store",
    "database is locked": "is busy, another program is writing it; try again when that is done",
    "disk is full": "the disk is full; free some space and repeat the command, what was kept so far is safe",
    "malformed": "the file is damaged; restore it from a backup or give another --store",
}


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that takes SQLite's write lock at its start: one that begins by reading could not wait for it."""
    with engine.connect() as connection:
        connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


def _parsed(url: str) -> URL:
    if url == ":memory:":
        return make_url("sqlite://")
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            f"{url!r} is no store, expected a URL such as sqlite:///markscheme.db (three slashes, then the file)"
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"{shown!r} cannot be a store, expected sqlite:///FILE")
    if parsed.host or (parsed.database or "").startswith("file:"):
        raise StoreError(f"{shown!r} names no file, expected sqlite:///FILE (three slashes, then the file)")
    return parsed


def _file_of(url: URL) -> Path | None:
    return None if url.database in (None, "", ":memory:") else Path(str(url.database)).absolute()


def _engine(url: URL, file: Path | None) -> Engine:
    if file is None:
        # Any thread may use the one connection; Database lets them in one at a time.
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(url.set(database=str(file)), poolclass=QueuePool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transactions begin late and on some statements only; ours begin where `_begin` says.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
