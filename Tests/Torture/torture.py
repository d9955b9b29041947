"""Does to databases what machines do to them, and counts what was lost.

Usage: torture.py [--tool TOOL] [--short] [--seed N] [TEST...]
       torture.py kill --target FILE [--times N] [--check COMMAND] -- COMMAND...

TESTs: kills, disks, readonly, writers, readers, clocks, schemas, pages; all
without one.  "kill" does the same to any command that makes FILE: whenever it is
killed, FILE must be as before or as a run to the end leaves it, and COMMAND of
--check must succeed on it.  Exit status 1 if anything was lost.

Tests that mount a small disk or give up rights need root; without it they say so.
"""

import argparse
import os
import pathlib
import random
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

PAGE = 4096
SMALL = ["--platform", "x86-sme47", "--kernel", "v6,v7"]
OLD = ["--platform", "sev", "--kernel", "6.12", "--mask", "32,64"]


class Lost(Exception):
    """Something was lost, or was not said as it should be."""


def require(condition, what):
    if not condition:
        raise Lost(what)


class Torture:
    def __init__(self, tool, work, short, chance):
        self.tool, self.work, self.short, self.chance = tool, work, short, chance
        self.old = work / "old.db"
        self.new = work / "new.db"
        self.run("generate", "-d", self.old, "--quiet", *OLD)
        self.run("generate", "-d", self.new, "--quiet", *SMALL)

    def times(self, full, short):
        return short if self.short else full

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [self.tool, *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run(self, *arguments, status=0, **options):
        """Runs the tool; a signal, another status, more than a sentence is a loss."""
        process = self.start(*arguments, **options)
        try:
            output, error = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Lost(f"{arguments}: hangs") from None
        accepted = status if isinstance(status, tuple) else (status,)
        require(process.returncode in accepted,
                f"{arguments}: status {process.returncode}, not {accepted}: {error}")
        if process.returncode:
            require(len(error.splitlines()) == 1 and error.startswith("dmamatrix: "),
                    f"{arguments}: not one sentence: {error}")
        return process.returncode, output, error

    def is_one_of(self, path, *files):
        """Which of the files has these bytes."""
        content = path.read_bytes()
        for file in files:
            if file.read_bytes() == content:
                return file
        raise Lost(f"{path} is neither of {[str(file) for file in files]}")

    # Each test returns what it counted, as a sentence.

    def kills(self):
        """kill -9 at random moments."""
        times = self.times(200, 6)
        parts = [self.work / f"part-{number}.db" for number in (1, 2)]
        for number, part in enumerate(parts, 1):
            self.run("generate", "-d", part, "--quiet", "--shard", f"{number}/2", *SMALL)
        counts = []
        for name, command in (
                ("generate", ["generate", "--quiet", *SMALL, "-d"]),
                ("merge", ["merge", "--quiet", *map(str, parts), "-o"])):
            target = self.work / f"{name}.db"
            shutil.copy(self.old, target)
            counts.append(f"{name}: " + kill_at_random(
                [self.tool, *command, str(target)], target, times, self.chance,
                lambda path: self.run("info", "--check", "-d", path)))
        return "; ".join(counts)

    def disks(self):
        """A disk that is full at a random size."""
        if os.getuid() != 0:
            return "skipped: mounting a small disk needs root"
        times = self.times(50, 4)
        disk = self.work / "disk"
        disk.mkdir()
        counts = {"old": 0, "new": 0}
        room = self.old.stat().st_size
        for _ in range(times):
            size = room + self.chance.randrange(4 * self.new.stat().st_size)
            if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk],
                              stderr=subprocess.DEVNULL, check=False).returncode:
                return "skipped: a tmpfs cannot be mounted here"
            try:
                target = disk / "matrix.db"
                shutil.copy(self.old, target)
                status, _, error = self.run(
                    "generate", "--quiet", "-d", target, *SMALL, status=(0, 2))
                seen = self.is_one_of(target, self.old, self.new)
                require((seen == self.new) == (status == 0), f"status {status}, but {seen}")
                require(status == 0 or "nothing was changed" in error, error)
                require(os.listdir(disk) == ["matrix.db"], f"left behind: {os.listdir(disk)}")
                counts["new" if status == 0 else "old"] += 1
            finally:
                subprocess.run(["umount", disk], check=True)
        return f"{times} sizes: {counts['old']} full and the old database kept, " \
            f"{counts['new']} with room"

    def readonly(self):
        """A directory, and a disk, that cannot be written."""
        if os.getuid() != 0:
            return "skipped: giving up rights needs root"
        counted = 0
        closed = self.work / "closed"
        closed.mkdir()
        target = closed / "matrix.db"
        shutil.copy(self.old, target)
        os.chmod(self.work, 0o755)
        os.chmod(closed, 0o555)
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        for command in (["generate", "--quiet", "-d", target],
                        ["report", "versions", "-d", target, "-o", closed / "x.txt"],
                        ["export", "csv", "-d", target, "-o", closed / "x.csv"]):
            self.run(*command, status=2, **nobody)
            counted += 1
        self.run("query", "-d", target, "SELECT count(*) FROM boot", **nobody)
        self.run("info", "--check", "-d", target, **nobody)
        subprocess.run(["mount", "--bind", closed, closed], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", closed], check=True)
            self.run("generate", "--quiet", "-d", target, status=2)
            counted += 1
        finally:
            subprocess.run(["umount", closed], check=True)
        self.is_one_of(target, self.old)
        require(os.listdir(closed) == ["matrix.db"], f"left behind: {os.listdir(closed)}")
        return f"{counted} writes refused, the database as before, and readable"

    def writers(self):
        """Two writers of one database at once."""
        times = self.times(40, 3)
        folder = self.work / "writers"
        folder.mkdir()
        target = folder / "matrix.db"
        last = {self.old: 0, self.new: 0}
        for _ in range(times):
            both = [self.start("generate", "--quiet", "-d", target, *part)
                    for part in (SMALL, OLD)]
            for process in both:
                _, error = process.communicate(timeout=120)
                require(process.returncode == 0, f"status {process.returncode}: {error}")
            last[self.is_one_of(target, self.old, self.new)] += 1
            require(os.listdir(folder) == ["matrix.db"], f"left: {os.listdir(folder)}")
        return f"{times} pairs: the file of one of them each time " \
            f"({last[self.new]} and {last[self.old]})"

    def readers(self):
        """Readers while the database is replaced."""
        question = "SELECT count(*) FROM behavior_line"
        answers = {}
        for file in (self.old, self.new):
            answers[self.run("query", "-d", file, question)[1]] = file
        target = self.work / "read.db"
        shutil.copy(self.old, target)
        counts = dict.fromkeys(answers, 0)
        for turn in range(self.times(60, 4)):
            part = SMALL if turn % 2 == 0 else OLD
            writer = self.start("generate", "--quiet", "-d", target, *part)
            while writer.poll() is None:
                answer = self.run("query", "-d", target, question)[1]
                require(answer in answers, f"neither database answers {answer}")
                counts[answer] += 1
            require(writer.returncode == 0, "the writer failed")
        return f"{sum(counts.values())} answers during {turn + 1} replacements, " \
            "each of the old or of the new database"

    def clocks(self):
        """Clocks that are wrong, or go backwards."""
        faketime = shutil.which("faketime")
        if not faketime:
            return "skipped: faketime is not installed"
        target = self.work / "clock.db"
        specifications = ["-20y", "+20y", "@2020-01-01 00:00:00 i-3.0", "+0 x-50"]
        for specification in specifications:
            command = [faketime, "-f", specification, self.tool, "generate", "--quiet",
                       "-d", str(target), *SMALL]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=300, check=False)
            require(done.returncode == 0, f"{specification}: {done.returncode} {done.stderr}")
            self.is_one_of(target, self.new)
            # A limit in time is a limit by a clock that cannot be set.
            query = [faketime, "-f", specification, self.tool, "query", "-d", str(target),
                     "SELECT count(*) FROM boot"]
            done = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
            require(done.returncode == 0, f"{specification}: {done.stderr}")
        return f"{len(specifications)} clocks, two of them going backwards: the same bytes"

    def schemas(self):
        """Files of an older and of a newer schema."""
        commands = (["query", "SELECT 1", "-d"], ["info", "-d"], ["info", "--check", "-d"],
                    ["report", "versions", "-d"], ["export", "csv", "-d"],
                    ["report", "html", "-d"], ["merge", "-o", self.work / "no.db"])
        counted = 0
        for version, word in ((0, "needs"), (1, "needs"), (99, "update dmamatrix")):
            file = self.work / f"schema-{version}.db"
            shutil.copy(self.old, file)
            connection = sqlite3.connect(file)
            connection.execute(f"PRAGMA user_version = {version}")
            connection.close()
            before = file.read_bytes()
            for command in commands:
                _, output, error = self.run(*command, file, status=2)
                require(word in error and not output, f"{command}: {error}")
                counted += 1
            require(file.read_bytes() == before, f"{file} was changed")
        return f"{counted} readings refused in one sentence"

    def pages(self):
        """Each page damaged in turn, and the file cut at each."""
        whole = self.new.read_bytes()
        pages = len(whole) // PAGE
        damaged = self.work / "damaged.db"
        counts = {"damage said": 0, "no value there": 0}
        query = "SELECT kernel, verdict, count(*) FROM behavior GROUP BY 1, 2"
        answer = self.run("query", "-d", self.new, query, "--timeout", "0")[1]

        def look(content, must_be_found):
            damaged.write_bytes(content)
            status, _, _ = self.run("info", "--check", "-d", damaged, status=(0, 1, 2))
            # A query may fail, and says so; only what the check passes must be right.
            queried, output, _ = self.run("query", "-d", damaged, query, "--timeout", "0",
                                          status=(0, 1, 2))
            require(not (must_be_found and status == 0), "damage was not found")
            if status == 0:
                require(queried == 0 and output == answer, "a wrong answer passed the check")
            counts["no value there" if status == 0 else "damage said"] += 1

        step = 1 if not self.short else max(1, pages // 6)
        for page in range(0, pages, step):
            start = page * PAGE
            look(whole[:start], True)
            look(whole[:start] + bytes(PAGE) + whole[start + PAGE:], True)
            look(whole[:start] + self.chance.randbytes(PAGE) + whole[start + PAGE:], True)
            bit = start * 8 + self.chance.randrange(PAGE * 8)
            turned = bytearray(whole)
            turned[bit // 8] ^= 1 << bit % 8
            look(bytes(turned), False)
        total = sum(counts.values())
        return f"{total} damaged files of {pages} pages: {counts['damage said']} said, " \
            f"{counts['no value there']} turned bits where no value is; no crash"


def kill_at_random(command, target, times, chance, check):
    """Kills a command at random moments; says what became of its target."""
    before = target.read_bytes() if target.exists() else None
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
             "stderr": subprocess.DEVNULL}
    durations = []
    for _ in range(3):
        start = time.monotonic()
        status = subprocess.run(command, check=False, **quiet).returncode
        require(status in (0, 1), f"{command}: status {status} without a kill")
        durations.append(time.monotonic() - start)
    after = target.read_bytes()
    counts = {"old": 0, "new": 0, "unhurt": 0}
    for _ in range(times):
        target.unlink()
        if before is not None:
            target.write_bytes(before)
        process = subprocess.Popen(command, **quiet)
        time.sleep(chance.uniform(0, 1.05 * max(durations)))
        process.send_signal(signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
        seen = target.read_bytes() if target.exists() else None
        require(seen in (before, after), f"{target} is neither the old nor the new file")
        counts["unhurt" if not killed else "new" if seen == after else "old"] += 1
        if seen is not None:
            check(target)
    # The next run to the end removes what killed ones left.
    subprocess.run(command, check=False, **quiet)
    require(target.read_bytes() == after, "the run after the kills differs")
    left = [name for name in os.listdir(target.parent)
            if name.startswith(target.name + ".") and name.endswith(".tmp")]
    require(not left, f"left behind: {left}")
    return f"{times} kills: {counts['old']} left the old file, {counts['new']} the new one, " \
        f"{counts['unhurt']} came too late; nothing left behind"


def kill_command(arguments):
    parser = argparse.ArgumentParser(prog="torture.py kill")
    parser.add_argument("--target", type=pathlib.Path, required=True)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--check")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)

    def check(_):
        if options.check:
            subprocess.run(shlex.split(options.check), check=True, stdout=subprocess.DEVNULL)

    print(kill_at_random(options.command, options.target, options.times, random, check))


def main():
    if sys.argv[1:2] == ["kill"]:
        kill_command(sys.argv[2:])
        return
    names = ["kills", "disks", "readonly", "writers", "readers", "clocks", "schemas", "pages"]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tool", default=".build/release/dmamatrix")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("tests", nargs="*", choices=[[], *names])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dmamatrix-torture-") as folder:
        torture = Torture(os.path.abspath(options.tool), pathlib.Path(folder), options.short,
                          random.Random(options.seed))
        print(f"seed {options.seed}")
        for name in options.tests or names:
            print(f"{name}: {getattr(torture, name)()}", flush=True)


try:
    main()
except Lost as loss:
    raise SystemExit(f"lost: {loss}") from None
