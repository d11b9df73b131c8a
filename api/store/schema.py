"""Which version of the tables a store has, and how it is brought to the one this program knows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, inspect, select

from api.store.database import Database, write_transaction
from rubrics import StoreError

HEAD = "0004"
"""The newest migration; a test compares it with the migrations themselves."""

MIGRATIONS = Path(__file__).parent / "migrations"

_PATIENCE = 5.0
_VERSION = "alembic_version"
_versions = Table(_VERSION, MetaData(), Column("version_num", Text))


def bring_up_to_date(database: Database) -> None:
    """Make the tables, or migrate them, where that is due; StoreError where the store is newer or not ours."""
    if _is_current(database):
        return
    with database.lock(wait=_PATIENCE):
        if not _is_current(database):
            migrate(database.engine)


def migrate(engine: Engine) -> None:
    """Run every migration that is missing, all in one transaction."""
    from alembic import command  # a tenth of a second, and a store at head does without
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with write_transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_current(database: Database) -> bool:
    with database.reading() as connection:
        version = _version(connection, database.place)
    if version is not None and version > HEAD:
        raise StoreError(
            f"{database.place} was written by a newer Markscheme (store version {version}, this one knows {HEAD}): "
            "update Markscheme or give another --store"
        )
    return version == HEAD


def _version(connection: Connection, place: str) -> str | None:
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    versions = list(connection.scalars(select(_versions.c.version_num))) if _VERSION in tables else []
    if len(versions) != 1 or "judgments" not in tables:
        raise StoreError(f"{place} is another program's database, expected a store; give another --store")
    return str(versions[0])
