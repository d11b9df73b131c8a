"""Where an export may be written: into nothing, or over an earlier export of ours as it was written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.exports import export_folder, read_folder
from api.exports.folder import _put_in_place
from graders import Judgment
from rubrics import Answer, InputError
from tests.api.test_export_round_trip import example, judgment, source

ANSWERS = [Answer(example_id="e1", model="m", text="x")]


def export(folder: Path, *, judgments: int = 1) -> None:
    export_folder(folder, source([example()], ANSWERS, [judgment(repeat=number) for number in range(judgments)]))


def refused(folder: Path) -> str:
    before = sorted((path, path.is_file() and path.read_bytes()) for path in folder.parent.rglob("*"))
    with pytest.raises(InputError) as caught:
        export(folder)
    assert sorted((path, path.is_file() and path.read_bytes()) for path in folder.parent.rglob("*")) == before
    return str(caught.value).replace(str(folder), "OUT")


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    export(tmp_path / "a" / "b" / "out")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["out"]
    names = sorted(path.relative_to(tmp_path / "a/b/out").as_posix() for path in (tmp_path / "a/b/out").rglob("*.*"))
    tables = [f"{config}/test.parquet" for config in ("examples", "judgments", "rubrics", "scores")]
    assert names == ["README.md", *tables[:2], "markscheme.json", *tables[2:]]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(tmp_path / "out")
    assert [*read_folder(tmp_path / "out").judgments()]


def test_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    export(tmp_path / "out")
    (tmp_path / "out" / "scores" / ".DS_Store").write_bytes(b"litter")
    export(tmp_path / "out", judgments=3)
    assert len([*read_folder(tmp_path / "out").judgments()]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not (tmp_path / "out" / "scores" / ".DS_Store").exists()


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    export(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "README.md").is_file()


def test_a_folder_with_other_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work", encoding="utf-8")
    assert refused(folder) == (
        "OUT: the folder holds files of another origin (thesis.tex): move them away or give another folder"
    )


def test_files_added_to_an_export_are_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref", encoding="utf-8")
    (folder / "scores" / "train.parquet").write_bytes(b"")
    (folder / "LICENSE").write_text("MIT", encoding="utf-8")
    assert "(.git, .git/HEAD, LICENSE and 1 more)" in refused(folder)


def test_a_card_that_someone_edited_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(folder)
    card = folder / "README.md"
    card.write_bytes(card.read_bytes().replace(b"\n", b"\r\n"))  # what git may do by itself
    export(folder)
    card.write_text(card.read_text(encoding="utf-8") + "\nThanks to all.\n", encoding="utf-8")
    assert refused(folder).startswith("OUT/README.md: the card was edited after it was exported: move it away")


def test_a_folder_without_a_manifest_is_not_taken_for_an_export(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("# Mine", encoding="utf-8")
    assert "files of another origin (README.md)" in refused(tmp_path / "out")


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x", encoding="utf-8")
    assert refused(tmp_path / "out") == "OUT: this is a file, expected a folder to write: give another name"


def test_a_file_among_its_parents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert refused(tmp_path / "file" / "out") == (
        f"OUT: {tmp_path / 'file'} is a file, expected a folder: give another name"
    )


def test_the_current_folder_is_not_pulled_from_under_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out" / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "out")
    assert "this is the current folder and would be replaced" in refused(tmp_path / "out")


def test_a_failure_half_way_leaves_the_earlier_export(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(folder, judgments=2)

    def broken() -> Iterator[Judgment]:
        yield judgment()
        raise KeyboardInterrupt

    whole = source([example()], ANSWERS, [judgment()])
    fields = {name: getattr(whole, name) for name in type(whole).__slots__}
    with pytest.raises(KeyboardInterrupt):
        export_folder(folder, type(whole)(**{**fields, "judgments": broken}))
    assert len([*read_folder(folder).judgments()]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_swap_that_fails_leaves_the_earlier_export(tmp_path: Path) -> None:
    target, fresh = tmp_path / "out", tmp_path / "missing.partial"
    target.mkdir()
    (target / "README.md").write_text("the earlier one", encoding="utf-8")
    with pytest.raises(OSError):
        _put_in_place(fresh, target)
    assert (target / "README.md").read_text(encoding="utf-8") == "the earlier one"
