"""The tool under torture: how it is started, and what a database holds."""

import hashlib
import os
import pathlib
import shutil
import sqlite3
import subprocess

SMALL = ["--platform", "x86-sme47", "--kernel", "v6,v7"]
OLD = ["--platform", "sev", "--kernel", "6.12", "--mask", "32,64"]
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
         "stderr": subprocess.DEVNULL}
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


class Lost(Exception):
    """Something was lost, or was not said as it should be."""


class Skipped(Exception):
    """What is needed for a test is not here."""


def require(condition, what):
    if not condition:
        raise Lost(what)


def content(path):
    """A digest of every row but what a run at another time makes anew."""
    digest = hashlib.sha256()
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        names = connection.execute(
            "SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name").fetchall()
        digest.update(repr(names).encode())
        for name, in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' "
                "AND name NOT LIKE 'sqlite_%' ORDER BY name").fetchall():
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in cursor.description]
            left_out = columns.index("imported") if "imported" in columns else None
            rows = sorted(repr([value for at, value in enumerate(row) if at != left_out])
                          for row in cursor
                          if row[0] not in ("content_digest", "file_checksum"))
            digest.update(f"{name} {rows}".encode())
    finally:
        connection.close()
    return digest.hexdigest()


class Subject:
    """The tool, databases to replace, and the numbers that a run is made of.

    `old` and `new` are two databases; `observed` is the new one with the kernel logs
    of Tests/ObservationsTests imported.
    """

    def __init__(self, options, work, chance):
        self.short, self.chance, self.work, self.tree = \
            options.short, chance, work, options.tree
        # A copy that every user may run, and that no build replaces meanwhile.
        os.chmod(work, 0o755)
        self.tool = str(work / "dmamatrix")
        shutil.copy(options.tool, self.tool)
        os.chmod(self.tool, 0o755)
        tests = pathlib.Path(__file__).resolve().parent.parent
        folder = pathlib.Path(options.logs) if options.logs else \
            tests / "ObservationsTests" / "Logs"
        self.logs = [str(file) for file in sorted(folder.iterdir())
                     if file.name.endswith((".log", ".log.gz", ".csv", ".csv.gz"))]
        require(len(self.logs) > 1, f"{folder}: no two logs")
        self.old, self.new, self.observed = (
            work / f"{name}.db" for name in ("old", "new", "observed"))
        self.run("generate", "-d", self.old, "--quiet", *OLD)
        self.run("generate", "-d", self.new, "--quiet", *SMALL)
        shutil.copy(self.new, self.observed)
        self.run("observe", "-d", self.observed, *self.logs)

    def times(self, full, short):
        return short if self.short else full

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [self.tool, *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run(self, *arguments, status=0, timeout=120, **options):
        """Runs the tool; a signal, another status, more than a sentence is a loss."""
        process = self.start(*arguments, **options)
        try:
            output, error = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Lost(f"{arguments}: hangs") from None
        accepted = status if isinstance(status, tuple) else (status,)
        require(process.returncode in accepted,
                f"{arguments}: status {process.returncode}, not {accepted}: {error}")
        if process.returncode:
            require(len(error.splitlines()) == 1 and error.startswith("dmamatrix: "),
                    f"{arguments}: not one sentence: {error}")
        return process.returncode, output, error

    def sound(self, path):
        """Requires that a database opens clean and is what its digest says."""
        self.run("info", "--check", "-d", path)

    def parts(self):
        """The new database in two parts, for merge."""
        parts = [self.work / f"part-{number}.db" for number in (1, 2)]
        for number, part in enumerate(parts, 1):
            if not part.exists():
                self.run("generate", "-d", part, "--quiet", "--shard", f"{number}/2", *SMALL)
        return parts

    def is_one_of(self, path, *files):
        """Which of the files has these bytes."""
        found = path.read_bytes()
        for file in files:
            if file.read_bytes() == found:
                return file
        raise Lost(f"{path} is neither of {[str(file) for file in files]}")
