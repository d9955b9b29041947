"""Others at the same time, other clocks, other versions of the file."""

import os
import shutil
import sqlite3
import subprocess

from subject import OLD, SMALL, Skipped, content, require


def both(subject, *commands, **options):
    """Two commands at once; both must succeed."""
    for process in [subject.start(*command, **options) for command in commands]:
        _, error = process.communicate(timeout=120)
        require(process.returncode == 0, f"status {process.returncode}: {error}")


def writers(subject):
    """Two writers of one database at once."""
    times = subject.times(40, 2)
    folder = subject.work / "writers"
    folder.mkdir()
    target = folder / "matrix.db"
    first, second = (["generate", "--quiet", "-d", target, *part] for part in (SMALL, OLD))
    last = {subject.old: 0, subject.new: 0}
    for _ in range(times):
        both(subject, first, second)
        last[subject.is_one_of(target, subject.old, subject.new)] += 1
        require(os.listdir(folder) == ["matrix.db"], f"left: {os.listdir(folder)}")
    yield "two writers: generate twice", times, \
        f"the file of one of them: {last[subject.new]} and {last[subject.old]}"

    def files():
        return subject.run("query", "SELECT count(*) FROM observation_source", "-d", target,
                           "--no-header", "--format", "tabs")[1].strip()

    half = len(subject.logs) // 2
    for _ in range(times):
        shutil.copy(subject.new, target)
        both(subject, ["observe", *subject.logs[:half], "-d", target],
             ["observe", *subject.logs[half:], "-d", target])
        subject.sound(target)
        require(files() == str(len(subject.logs)), f"{files()} files of {len(subject.logs)}")
        require(os.listdir(folder) == ["matrix.db"], f"left: {os.listdir(folder)}")
    yield "two writers: observe twice", times, "the observations of both"
    yield from as_over_nfs(subject, files, target)
    for turn in range(times):
        shutil.copy(subject.new, target)
        other = first if turn % 2 else ["merge", "--quiet", *subject.parts(), "-o", target]
        both(subject, ["observe", *subject.logs, "-d", target], other)
        subject.sound(target)
        require(content(target) == content(subject.observed), "not all of both")
        require(os.listdir(folder) == ["matrix.db"], f"left: {os.listdir(folder)}")
    yield "two writers: observe and another", times, \
        "observations and matrix, beside generate and beside merge"


# What flock(2) says of NFS: an exclusive lock needs a file that is open for writing.
NFS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
int flock(int file, int operation) {
  struct stat status;
  int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
  if (!fstat(file, &status) && S_ISREG(status.st_mode) &&
      (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY) {
    errno = EBADF;
    return -1;
  }
  return next(file, operation);
}
"""


def as_over_nfs(subject, files, target):
    """Two observes at once where a database itself cannot be locked."""
    if not shutil.which("cc"):
        yield "two writers: locks as of NFS", 0, "skipped: no C compiler"
        return
    source, library = subject.work / "nfs.c", subject.work / "nfs.so"
    source.write_text(NFS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    half = len(subject.logs) // 2
    times = subject.times(20, 2)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    for _ in range(times):
        shutil.copy(subject.new, target)
        both(subject, ["observe", *subject.logs[:half], "-d", target],
             ["observe", *subject.logs[half:], "-d", target], env=environment)
        subject.sound(target)
        require(files() == str(len(subject.logs)), f"{files()} files of {len(subject.logs)}")
        require(os.listdir(target.parent) == [target.name], f"left beside {target}")
    yield "two writers: locks as of NFS", times, "the observations of both"


def readers(subject):
    """Readers while the database is replaced."""
    question = "SELECT count(*) FROM behavior_line"
    answers = [subject.run("query", "-d", file, question)[1]
               for file in (subject.old, subject.new)]
    target = subject.work / "read.db"
    shutil.copy(subject.old, target)
    counts = dict.fromkeys(answers, 0)
    turns = subject.times(60, 4)
    for turn in range(turns):
        writer = subject.start("generate", "--quiet", "-d", target,
                               *(SMALL if turn % 2 == 0 else OLD))
        while writer.poll() is None:
            answer = subject.run("query", "-d", target, question)[1]
            require(answer in answers, f"neither database answers {answer}")
            counts[answer] += 1
        require(writer.wait() == 0, "the writer failed")
    yield "readers during generate", sum(counts.values()), \
        f"answers during {turns} replacements: {counts[answers[0]]} of one database, " \
        f"{counts[answers[1]]} of the other"


def clocks(subject):
    """Clocks that are wrong, or go backwards."""
    faketime = shutil.which("faketime")
    if not faketime:
        raise Skipped("faketime is not installed")
    target = subject.work / "clock.db"
    specifications = ["-20y", "+20y", "@2020-01-01 00:00:00 i-3.0", "+0 x-50"]

    def run(*command):
        done = subprocess.run([faketime, "-f", specification, subject.tool, *map(str, command)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300, check=False)
        require(done.returncode == 0, f"{specification}: {done.returncode} {done.stderr}")

    for specification in specifications:
        run("generate", "--quiet", "-d", target, *SMALL)
        subject.is_one_of(target, subject.new)
        # A limit in time is a limit by a clock that cannot be set.
        run("query", "-d", target, "SELECT count(*) FROM boot")
        run("observe", *subject.logs, "-d", target)
        subject.sound(target)
        require(content(target) == content(subject.observed), f"{specification}: differs")
        target.unlink()
    yield "clocks: 20 years off, backwards", len(specifications), \
        "generate, query and observe as with the right clock"


def schemas(subject):
    """Files of an older and of a newer schema."""
    commands = (["query", "SELECT 1", "-d"], ["info", "-d"], ["info", "--check", "-d"],
                ["report", "versions", "-d"], ["export", "csv", "-d"],
                ["report", "map", "-d"], ["disagreements", "-d"],
                ["observe", *subject.logs, "-d"], ["merge", "-o", subject.work / "no.db"])
    counted = 0
    for version, word in ((0, "needs"), (1, "needs"), (99, "update dmamatrix")):
        file = subject.work / f"schema-{version}.db"
        shutil.copy(subject.observed, file)
        connection = sqlite3.connect(file)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        before = file.read_bytes()
        for command in commands:
            _, output, error = subject.run(*command, file, status=2)
            require(word in error and not output, f"{command}: {error}")
            counted += 1
        require(file.read_bytes() == before, f"{file} was changed")
        # What a message says mends it; observations stay.
        subject.run("generate", "--quiet", "-d", file, *SMALL)
        require(content(file) == content(subject.observed), "not as new, with observations")
    require(not (subject.work / "no.db").exists(), "merge made a file")
    yield "older and newer schemas", counted, \
        "uses refused in a sentence; generate replaced each, with observations"
