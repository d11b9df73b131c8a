"""Writes one Parquet file row by row: a row group at a time is in memory, whatever comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.exports.schema import Config, arrow_schema, repeating_columns

ROWS = 10_000
"""Most rows of a row group: enough for dictionaries to pay, few enough to hold."""
_AT_ONCE = 1_000
"""Most rows that are held as Python's objects."""
BYTES = 16_000_000
"""Size after which a row group ends: a few long answers must not pile up."""


class TableWriter:
    """One config's file. Use as a context manager; the file is complete after it."""

    def __init__(self, path: Path, config: Config) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        self._schema = arrow_schema(config)
        self._pending: list[tuple[Any, ...]] = []
        self._batches: list[Any] = []
        self._collected_rows = 0
        self._collected_bytes = 0
        self._characters = 0
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            use_dictionary=repeating_columns(config),
        )

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._take_pending()
                self._write()
        finally:
            self._pending.clear()
            self._batches.clear()
            self._writer.close()

    def add(self, row: tuple[Any, ...], characters: int = 0) -> None:
        """Take a row, its values in the order of the columns; `characters` is the length of its long texts."""
        self._pending.append(row)
        self._characters += characters
        if len(self._pending) >= _AT_ONCE or self._characters >= BYTES:
            self._take_pending()

    def add_columns(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take many rows at once as columns, in their order and of one length."""
        import pyarrow as pa

        arrays = [self._array(field, values) for field, values in zip(self._schema, columns, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._collected_rows += len(self._batches[-1])
        self._collected_bytes += self._batches[-1].nbytes
        if self._collected_rows >= ROWS or self._collected_bytes >= BYTES:
            self._write()

    def _take_pending(self) -> None:
        if self._pending:
            rows, self._pending, self._characters = self._pending, [], 0
            self.add_columns(list(zip(*rows, strict=True)))

    def _write(self) -> None:
        """Make one row group of what was collected."""
        if not self._batches:
            return
        import pyarrow as pa

        table = pa.Table.from_batches(self._batches)
        self._batches, self._collected_rows, self._collected_bytes = [], 0, 0
        self._writer.write_table(table, row_group_size=table.num_rows)
        self.rows += table.num_rows

    def _array(self, field: Any, values: Sequence[Any]) -> Any:
        import pyarrow as pa

        pool = pa.system_memory_pool()  # the default one keeps 12 MB more
        try:
            return pa.array(values, type=field.type, memory_pool=pool)
        except pa.ArrowInvalid:
            if not pa.types.is_floating(field.type):
                raise
            # Whole numbers above 2^53: the nearest double is what scores are computed from.
            return pa.array([None if value is None else float(value) for value in values], type=field.type)
