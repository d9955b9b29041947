"""Reads the exports of every kernel and of every platform as the programs do by default.

Usage: exports_test.py TOOL DATABASE DIRECTORY

DuckDB, pandas and sqlite3 guess quoting and types from the beginning of a file; what they
count must be what Python's sqlite3 counts in the database. Parquet is read back.
"""

import os
import sqlite3
import subprocess
import sys

import duckdb
import pandas

tool, database, directory = sys.argv[1:4]
connection = sqlite3.connect(database)
csv = os.path.join(directory, "export.csv")
parquet = os.path.join(directory, "export.parquet")
environment = dict(os.environ, PATH=os.path.dirname(sys.executable) + ":" + os.environ["PATH"])


def export(kind, output, *arguments):
    subprocess.run([tool, "export", kind, "-d", database, "-o", output, *arguments],
                   check=True, env=environment)


def counted(table, condition):
    return connection.execute(
        f"SELECT count(*), count(DISTINCT decided_by), count(DISTINCT kernel) FROM {table} "
        f"WHERE {condition}").fetchone()


def names(axis):
    return [row[0] for row in connection.execute(f"SELECT name FROM {axis} ORDER BY id")]


def read(expected, what):
    question = "SELECT count(*), count(DISTINCT decided_by), count(DISTINCT kernel) FROM {}"
    seen = duckdb.sql(question.format(f"'{csv}'")).fetchone()
    assert seen == expected, f"DuckDB, {what}: {seen}, not {expected}"
    frame = pandas.read_csv(csv, low_memory=False)
    seen = (len(frame), frame["decided_by"].nunique(), frame["kernel"].astype(str).nunique())
    assert seen == expected, f"pandas, {what}: {seen}, not {expected}"
    seen = subprocess.run(
        ["sqlite3", "-separator", ",", ":memory:", f".import --csv {csv} t", question.format("t")],
        check=True, capture_output=True, text=True).stdout.strip()
    assert seen == ",".join(map(str, expected)), f"sqlite3, {what}: {seen}, not {expected}"


parts = [(f"{axis} {name}", [f"--{axis}", name], f"{axis} = '{name}'")
         for axis in ("kernel", "platform") for name in names(axis)]
for what, arguments, condition in parts + [("everything", [], "1")]:
    export("csv", csv, "--spans", *arguments)
    read(counted("behavior_span", condition), what)

# Rows: more than the 20480 from which DuckDB guesses, of every kernel.
export("csv", csv, "--platform", "sev")
expected = counted("(SELECT * FROM behavior WHERE platform = 'sev')", "1")
read(expected, "rows of sev")
export("parquet", parquet, "--platform", "sev")
seen = duckdb.sql(
    f"SELECT count(*), count(DISTINCT decided_by), count(DISTINCT kernel) FROM '{parquet}'"
).fetchone()
assert seen == expected, f"Parquet: {seen}, not {expected}"
print(f"exports of {len(parts)} parts and of everything, rows and Parquet: ok")
