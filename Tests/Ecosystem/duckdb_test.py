"""Reads the exports with the real DuckDB and pandas, as README shows it.

Usage: duckdb_test.py DATABASE CSV JSONL

CSV and JSONL are exports of the same part: sev, v6, op=map. Source of the
expected answers: the same question by Python's sqlite3.
"""

import pathlib
import sqlite3
import sys

import duckdb
import duckdb_extension_sqlite_scanner
import pandas

database, csv, jsonl = sys.argv[1:4]
part = "kernel = 'v6' AND platform = 'sev' AND op = 'map'"
question = "SELECT verdict, count(*), sum(mask) FROM {} GROUP BY 1 ORDER BY 1"
expected = sqlite3.connect(database).execute(
    question.format(f"(SELECT * FROM behavior WHERE {part})")).fetchall()


def check(what, seen):
    seen = [tuple(row[:1]) + tuple(int(n) for n in row[1:]) for row in seen]
    if seen != expected:
        raise SystemExit(f"{what}: {seen}, not {expected}")


assert len(expected) > 1
check("DuckDB, CSV", duckdb.sql(question.format(f"'{csv}'")).fetchall())
check("DuckDB, JSON Lines", duckdb.sql(question.format(f"read_json('{jsonl}')")).fetchall())
columns = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{csv}'").fetchall()]
cursor = sqlite3.connect(database).execute("SELECT * FROM behavior LIMIT 1")
assert columns == [column[0] for column in cursor.description], columns

duckdb.sql(f"COPY (SELECT * FROM '{csv}') TO '{csv}.parquet'")
check("Parquet", duckdb.sql(question.format(f"'{csv}.parquet'")).fetchall())

frame = pandas.read_csv(csv, dtype={"coherent_mask": str}, keep_default_na=False)
grouped = frame.groupby("verdict")["mask"].agg(["count", "sum"]).reset_index()
check("pandas", [tuple(row) for row in grouped.itertuples(index=False)])

# The extension comes as a Python package, so that nothing is downloaded here.
package = pathlib.Path(duckdb_extension_sqlite_scanner.__file__).parent
extension = next(package.glob("extensions/*/sqlite_scanner.duckdb_extension"))
duckdb.sql(f"LOAD '{extension}'")
duckdb.sql(f"ATTACH '{database}' AS m (TYPE sqlite, READ_ONLY)")
check("the SQLite file", duckdb.sql(question.format(
    f"(SELECT * FROM m.behavior WHERE {part})")).fetchall())
print(f"DuckDB {duckdb.__version__}: CSV, JSON Lines, Parquet, pandas, the SQLite file: ok")
