"""Disks that are full, and disks and directories that cannot be written."""

import os
import shutil
import subprocess

from subject import NOBODY, SMALL, Skipped, content, require


class SmallDisk:
    """A tmpfs of some bytes, or with some files."""

    def __init__(self, folder, option):
        self.folder, self.option = folder, option

    def __enter__(self):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", self.option, "none", self.folder],
                          stderr=subprocess.DEVNULL, check=False).returncode:
            raise Skipped("a tmpfs cannot be mounted here")
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["umount", self.folder], check=True)


def disks(subject):
    """Disks that are full at a random size."""
    if os.getuid() != 0:
        raise Skipped("mounting a small disk needs root")
    folder = subject.work / "disk"
    folder.mkdir()
    text = subject.work / "old.txt"
    text.write_text("an older export\n" * 1000)
    export = subject.work / "new.csv"
    subject.run("export", "csv", "--mask", "32", "-d", subject.new, "-o", export)
    page = subject.work / "new.txt"
    report = ["report", "versions", "--format", "markdown", "-d", subject.new, "-o", ...]
    subject.run(*report[:-1], page)
    many, some = subject.times(50, 3), subject.times(25, 1)
    merge = ["merge", "--quiet", *subject.parts(), "-o", ...]
    table = (
        ("generate", many, ["generate", "--quiet", *SMALL, "-d", ...], subject.old, subject.new),
        ("merge", some, merge, subject.old, subject.new),
        ("observe", some, ["observe", *subject.logs, "-d", ...], subject.new, subject.observed),
        ("export csv", some, ["export", "csv", "--mask", "32", "-d", subject.new, "-o", ...],
         text, export),
        ("report versions", some, report, text, page),
    )
    for name, times, command, before, after in table:
        counts = {0: 0, 2: 0}
        for _ in range(times):
            size = before.stat().st_size + subject.chance.randrange(3 * after.stat().st_size)
            counts[full(subject, folder, f"size={size}", command, before, after)] += 1
        yield f"full disk: {name}", times, \
            f"{counts[2]} full: the old file; {counts[0]} with room"
    counts = {0: 0, 2: 0}
    for inodes in range(3, 3 + subject.times(6, 2)):
        for _, _, command, before, after in table:
            counts[full(subject, folder, f"nr_inodes={inodes}", command, before, after)] += 1
    yield "disk without inodes", sum(counts.values()), \
        f"{counts[2]} full: the old file; {counts[0]} with room"


def full(subject, folder, option, command, before, after):
    """One command on one disk; its status."""
    with SmallDisk(folder, option) as disk:
        target = disk / ("matrix" + after.suffix)
        shutil.copy(before, target)
        command = [target if word is ... else word for word in command]
        status, _, error = subject.run(*command, status=(0, 2))
        if target.suffix == ".db":
            subject.sound(target)
            same = content
        else:
            def same(path):
                return path.read_bytes()
        require(same(target) == same(before if status else after),
                f"{command}, {option}: status {status}, but not the file for it")
        require(status == 0 or "nothing was changed" in error, error)
        # SQLite does not say why it cannot make a journal.
        why = ("No space", "is full", "unable to open") if "inodes" in option else \
            ("No space", "is full")
        require(status == 0 or any(word in error for word in why),
                f"not said that the disk is full: {error}")
        require(os.listdir(disk) == [target.name], f"left behind: {os.listdir(disk)}")
    return status


def readonly(subject):
    """A directory, and a disk, that cannot be written."""
    if os.getuid() != 0:
        raise Skipped("giving up rights needs root")
    closed = subject.work / "closed"
    closed.mkdir()
    target = closed / "matrix.db"
    shutil.copy(subject.old, target)
    os.chmod(closed, 0o555)
    writes = (["generate", "--quiet", "-d", target],
              ["generate", "--quiet", "-d", closed / "new.db"],
              ["merge", *subject.parts(), "-o", target],
              ["observe", *subject.logs, "-d", target],
              ["report", "versions", "-d", subject.new, "-o", closed / "x.txt"],
              ["report", "--all", "-o", closed / "reports"],
              ["export", "csv", "-d", target, "-o", closed / "x.csv"],
              ["export", "datasette", closed / "site", "-d", target])
    reads = (["query", "-d", target, "SELECT count(*) FROM boot"],
             ["info", "--check", "-d", target],
             ["export", "csv", "-d", target])
    counts = [0, 0]

    def attempt(**user):
        for command in writes:
            _, _, error = subject.run(*command, status=2, **user)
            require("cannot be" in error, f"{command}: {error}")
            counts[0] += 1
        for command in reads:
            subject.run(*command, **user)
            counts[1] += 1

    attempt(**NOBODY)
    if subprocess.run(["mount", "--bind", closed, closed], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        yield "read-only directory", counts[0], "writes refused, nothing changed"
        raise Skipped("a read-only disk cannot be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", closed], check=True)
        attempt()
    finally:
        subprocess.run(["umount", closed], check=True)
    subject.is_one_of(target, subject.old)
    require(os.listdir(closed) == ["matrix.db"], f"left behind: {os.listdir(closed)}")
    yield "read-only directory and disk", counts[0], \
        f"writes refused in a sentence, nothing changed; {counts[1]} readings answered"
