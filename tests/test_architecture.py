"""The house rules that a reader could break without noticing."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ["rubrics", "graders", "api"]


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_modules(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
    return names


@pytest.mark.parametrize("package", ORDER)
def test_imports_flow_one_way(package: str) -> None:
    above = ORDER[ORDER.index(package) + 1 :]
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imported_modules(path)
        if name.split(".")[0] in above
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ORDER)
def test_code_outside_a_package_imports_from_the_package_itself(package: str) -> None:
    inside = [other for other in ORDER if other != package]
    rooms = {"rubrics.formats", "graders.scoring", "graders.model", "api.store", "api.exports", "api.cli"}
    wrong = []
    for other in inside:
        for path in sources(other):
            for name in imported_modules(path):
                room = ".".join(name.split(".")[:2])
                if name.split(".")[0] == package and name != package and room not in rooms:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_only_the_store_speaks_sql() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in ORDER
        for path in sources(package)
        for name in imported_modules(path)
        if name.split(".")[0] in ("sqlalchemy", "sqlite3", "alembic") and "api/store" not in path.as_posix()
    ]
    assert wrong == []


def test_scoring_is_pure() -> None:
    worldly = {"os", "pathlib", "time", "datetime", "logging", "random", "socket", "asyncio", "io"}
    wrong = [
        f"{path.name} imports {name}"
        for path in sources("graders/scoring")
        for name in imported_modules(path)
        if name.split(".")[0] in worldly
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "package",
    ["rubrics", "graders", "graders.scoring", "graders.model", "graders.reward", "api.store", "api.exports"],
)
def test_public_names_are_sorted_and_complete(package: str) -> None:
    module = importlib.import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(module.__all__) == imported
    assert module.__all__ == sorted(module.__all__, key=_sort_key)


def _sort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts `__all__`."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_files_and_functions_stay_small() -> None:
    too_long = []
    for package in ORDER:
        for path in sources(package):
            text = path.read_text(encoding="utf-8")
            if text.count("\n") > 400:
                too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
            for node in ast.walk(ast.parse(text)):
                # A migration is a list of tables, and never changes again.
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "migrations" not in path.parts:
                    body = (node.end_lineno or 0) - node.body[0].lineno
                    if body >= 60:
                        too_long.append(f"{path.relative_to(ROOT)} {node.name}: {body} lines")
    assert too_long == []


def test_files_are_named_for_what_they_own() -> None:
    vague = {"utils.py", "helpers.py", "common.py", "types.py", "misc.py"}
    assert [str(path) for package in ORDER for path in sources(package) if path.name in vague] == []


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import rubrics", "numpy pyarrow datasets fastapi sqlalchemy scipy aiohttp matplotlib jsonschema"),
        ("import api.cli.check", "numpy pyarrow datasets fastapi sqlalchemy scipy aiohttp matplotlib"),
        ("import graders", "pyarrow datasets fastapi sqlalchemy scipy aiohttp matplotlib"),
        ("import api.exports", "pyarrow datasets huggingface_hub fastapi sqlalchemy aiohttp"),
    ],
)
def test_heavy_packages_are_imported_where_they_are_used(statement: str, absent: str) -> None:
    code = f"{statement}; import sys; print(*(name for name in {absent.split()!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        ("check RUBRIC", "numpy pyarrow datasets fastapi sqlalchemy scipy aiohttp matplotlib"),
        ("preview RUBRIC", "pyarrow datasets fastapi sqlalchemy scipy.stats aiohttp matplotlib"),
        ("diff RUBRIC RUBRIC", "pyarrow datasets fastapi sqlalchemy scipy aiohttp matplotlib"),
    ],
)
def test_an_authors_command_imports_nothing_heavy(command: str, heavy: str) -> None:
    rubric = next((ROOT / "examples" / "medicine" / "rubrics").glob("*.rubric.json"))
    arguments = [str(rubric) if word == "RUBRIC" else word for word in command.split()]
    code = (
        "import sys; from api.cli import main\n"
        f"sys.argv = ['markscheme', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        f"print(*(name for name in {heavy.split()!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == ""


def test_nothing_is_left_unfinished() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError")
    wrong = [
        str(path.relative_to(ROOT))
        for package in ORDER
        for path in sources(package)
        if "migrations" not in path.parts and unfinished.search(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
