"""Opening a store: its version, its lock, and what stands in the way, in plain words."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, create_mock_engine
from sqlalchemy.dialects import postgresql

from api.store import Store
from api.store.schema import HEAD, MIGRATIONS, migrate
from api.store.tables import metadata
from rubrics import DatasetInfo, StoreError

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys
from api.store import Store
with Store(sys.argv[1]) as store, store.lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a%20b.db'}")
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == HEAD
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), "a newer store is told by a greater number"


def test_opening_a_store_at_head_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    Store(url).close()
    code = "import sys; from api.store import Store; Store(sys.argv[1]).close(); print('alembic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code, url], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_a_store_in_memory_works_without_a_file() -> None:
    with Store("sqlite://") as store, store.lock():
        assert store.runs() == []
    with Store(":memory:") as store:
        assert store.place == "the store in memory"


def test_connections_are_durable_and_strict(tmp_path: Path) -> None:
    with (
        Store(f"sqlite:///{tmp_path / 's.db'}") as store,
        store._database.reading() as connection,
        store._database.engine.connect() as another,
    ):
        for each in (connection, another):
            settings = {
                name: each.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
            assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"s\.db was written by a newer Markscheme \(store version 9999, this one"):
        Store(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("markscheme.db", "'markscheme.db' is no store, expected a URL such as sqlite:///markscheme.db"),
        ("sqlite://markscheme.db", "names no file, expected sqlite:///FILE"),
        ("sqlite:///file:x?uri=true", "names no file"),
        ("postgresql://me:secret@host/db", r"'postgresql://me:\*\*\*@host/db' cannot be a store, expected sqlite:///"),
    ],
)
def test_a_url_that_is_no_store_is_explained(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as raised:
        Store(url)
    assert "secret" not in str(raised.value)


def test_what_is_no_store_is_explained(tmp_path: Path) -> None:
    text = tmp_path / "notes.db"
    text.write_text("Buy milk. " * 500)
    with pytest.raises(StoreError, match=r"notes\.db: this is no store \(not an SQLite file\); give another --store"):
        Store(f"sqlite:///{text}")
    assert text.read_text().startswith("Buy milk.")
    with pytest.raises(StoreError, match="nowhere does not exist; make it or give another --store"):
        Store(f"sqlite:///{tmp_path / 'nowhere' / 's.db'}")
    with pytest.raises(StoreError, match="this is a folder, expected a file"):
        Store(f"sqlite:///{tmp_path}")
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.close()
    with pytest.raises(StoreError, match=r"foreign\.db is another program's database"):
        Store(f"sqlite:///{foreign}")


def test_a_store_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        with store._database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(StoreError, match="the file is read-only; see to its permissions"):  # noqa: SIM117
            with store.stage_dataset(DatasetInfo(name="d")):
                pass


def test_a_closed_store_says_so() -> None:
    store = Store("sqlite://")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="the store in memory: this Store is closed"):
        store.runs()
    with pytest.raises(StoreError, match="this Store is closed"), store.stage_dataset(DatasetInfo(name="d")):
        pass


def test_the_tables_carry_over_to_postgres() -> None:
    made: list[str] = []
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    engine = create_mock_engine("postgresql://", lambda each, *_: made.append(str(each.compile(dialect=dialect))))
    metadata.create_all(engine, checkfirst=False)
    names = re.findall(r"(?:TABLE|CONSTRAINT|INDEX) (\w+)", "".join(made))
    assert {table.name for table in metadata.sorted_tables} < set(names)
    assert max(map(len, names)) <= 63, "PostgreSQL cuts longer names"


def test_only_one_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    url = f"sqlite:///{path}"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with Store(url) as store:
            assert store.runs() == [], "reading needs no lock"
            refused = rf"s\.db is being written by another process \(pid {child.pid}\): wait until it is done, or use"
            with pytest.raises(StoreError, match=refused), store.lock():
                pass
            with pytest.raises(StoreError, match=refused), store.stage_dataset(DatasetInfo(name="d")):
                pass
            child.communicate()
            with store.lock(), store.lock():
                pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        child.kill()
    with Store(url) as store, store.lock():
        pass


def test_a_second_store_of_this_process_is_told_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    refused = pytest.raises(StoreError, match="by another Store of this process")
    with Store(url) as first, Store(url) as second, first.lock(), refused, second.lock():
        pass
    with Store(url) as third, third.lock(), third.stage_dataset(DatasetInfo(name="d")) as stage:
        stage.commit()


def test_processes_that_start_together_make_the_store_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    code = "import sys; from api.store import Store; s = Store(sys.argv[1]); print(s.runs()); s.close()"
    children = [
        subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for child in children:
        with child:
            assert child.communicate()[0] == "[]\n"


def test_a_relative_url_means_the_folder_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store("sqlite:///s.db") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        with store.lock():
            assert store.runs() == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "s.db", "s.db.lock"]
