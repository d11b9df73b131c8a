"""The folder of an export: written aside and put in place whole, and never over someone else's files."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.exports.manifest import CARD, MANIFEST, card_hash, load_manifest
from api.exports.schema import TABLES, file_of
from rubrics import InputError, Mistake

_OURS = frozenset({CARD, MANIFEST, *TABLES, *(file_of(config) for config in TABLES)})
_LITTER = frozenset({".DS_Store", "Thumbs.db"})
"""What file managers leave behind."""


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Give a fresh folder beside `folder`, which takes its place when the block ends well.

    Nothing of it is left when the block fails, and what stood in its place stands there still.
    """
    try:
        target = Path(os.path.realpath(folder))
        check_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}-{secrets.token_hex(4)}.partial")
        fresh.mkdir()
    except OSError as error:
        raise InputError(_unwritten(folder, error)) from None
    try:
        yield fresh
        check_replaceable(target)
        _put_in_place(fresh, target)
    except OSError as error:
        raise InputError(_unwritten(folder, error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _unwritten(folder: Path, error: OSError) -> Mistake:
    busy = " (something is mounted or open there): give a folder that does not exist yet"
    hint = busy if error.errno in (errno.EBUSY, errno.EXDEV) else ""
    return Mistake(str(folder), f"cannot be written: {error.strerror or error}{hint}")


def check_replaceable(folder: Path) -> None:
    """InputError where a folder holds anything but an earlier export, or where someone edited its card."""
    place = str(folder)
    for parent in folder.parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(Mistake(place, f"{parent} is a file, expected a folder: give another name"))
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(Mistake(place, "this is a file, expected a folder to write: give another name"))
    if Path.cwd().is_relative_to(folder):
        raise InputError(Mistake(place, "this is the current folder and would be replaced: give a folder within it"))
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name not in _LITTER)
    if not names:
        return
    foreign = [name for name in names if name not in _OURS]
    if foreign or MANIFEST not in names:
        some = foreign or names
        listed = ", ".join(some[:3]) + (f" and {len(some) - 3} more" if len(some) > 3 else "")
        message = f"the folder holds files of another origin ({listed}): move them away or give another folder"
        raise InputError(Mistake(place, message))
    card = folder / CARD
    if card.exists() and card_hash(card.read_bytes()) != load_manifest(folder).card_sha256:
        message = "the card was edited after it was exported: move it away, export again and take the edits over"
        raise InputError(Mistake(str(card), message))


def _put_in_place(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    old = fresh.with_suffix(".old")
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
