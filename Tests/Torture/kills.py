"""kill -9 at random moments.

Whenever a command is killed, the file that it makes is as before or as a run to the
end leaves it.  Half of the moments are spread over the whole run, half over the time
from the first byte of what is renamed at the end until a little after the rename.
"""

import os
import shutil
import signal
import statistics
import subprocess
import time

from subject import QUIET, SMALL, content, require


class Killed:
    """One command and the file it makes, killed again and again.

    stage: the temporary file that is renamed at the end.
    same: how two states of the file are compared.
    """

    def __init__(self, command, target, stage, chance, check, same=None, **options):
        self.command, self.target, self.stage = [str(word) for word in command], target, stage
        self.chance, self.check, self.options = chance, check, options
        self.same = same or (lambda path: path.read_bytes())
        self.before = target.read_bytes() if target.exists() else None
        self.measure()

    def measure(self):
        """Runs to the end, to know what that leaves, how long it takes and writes."""
        lasts, writes = [], []
        for _ in range(3):
            self.restore()
            start, old = time.monotonic(), self.identity()
            process = self.start()
            written = self.wait_for_writing(process) or time.monotonic()
            while process.poll() is None and self.identity() == old:
                time.sleep(0.0003)
            writes.append(time.monotonic() - written)
            require(process.wait() == 0, f"{self.command}: fails without a kill")
            lasts.append(time.monotonic() - start)
        self.lasts, self.writes = statistics.median(lasts), statistics.median(writes)
        self.after = self.same(self.target)
        self.check(self.target)

    def start(self):
        return subprocess.Popen(self.command, **QUIET, **self.options)

    def restore(self):
        self.target.unlink(missing_ok=True)
        if self.before is not None:
            self.target.write_bytes(self.before)

    def identity(self):
        try:
            return os.stat(self.target).st_ino
        except FileNotFoundError:
            return None

    def left(self):
        """What lies beside the target and has its name."""
        return sorted(name for name in os.listdir(self.target.parent)
                      if name.startswith(self.target.name + "."))

    def wait_for_writing(self, process):
        """When what will be renamed got its first byte; None if it is over."""
        known = set(self.left())
        while process.poll() is None:
            for name in self.left():
                if name not in known and name.endswith(f".{self.stage}.tmp"):
                    try:
                        if os.stat(self.target.parent / name).st_size:
                            return time.monotonic()
                    except FileNotFoundError:
                        pass
            time.sleep(0.0003)
        return None

    def once(self, in_writing):
        """Kills one run: old, new or unhurt, and whether it left files."""
        self.restore()
        had = set(self.left())
        process = self.start()
        if in_writing:
            self.wait_for_writing(process)
            time.sleep(self.chance.uniform(0, 1.5 * self.writes))
        else:
            time.sleep(self.chance.uniform(0, 1.05 * self.lasts))
        process.send_signal(signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
        exists = self.target.exists()
        if exists and self.target.read_bytes() == self.before or \
                not exists and self.before is None:
            seen = "old"
        else:
            require(exists, f"{self.target} is gone")
            require(self.same(self.target) == self.after,
                    f"{self.target} is neither the old nor the new file")
            seen = "new"
        if exists:
            self.check(self.target)
        return (seen if killed else "unhurt"), bool(set(self.left()) - had)

    def cleaned(self):
        """The next run takes the lock, ends as ever, and removes what is left."""
        found = len(self.left())
        self.restore()
        process = self.start()
        require(process.wait(timeout=120) == 0, f"{self.command}: fails after a kill")
        require(self.same(self.target) == self.after, "the run after a kill differs")
        require(not self.left(), f"left behind: {self.left()}")
        return found

    def many(self, times):
        """Kills many runs, those that ended before not counted; the line of the table."""
        counts = {"old": 0, "new": 0, "unhurt": 0}
        midway = removed = 0
        while counts["old"] + counts["new"] < times:
            seen, left = self.once((counts["old"] + counts["new"]) % 2 == 1)
            counts[seen] += 1
            require(counts["unhurt"] < 20 * times, "no run is killed before it ends")
            midway += seen == "old" and left
            if left and self.chance.random() < 0.5:
                removed += self.cleaned()
        removed += self.cleaned()
        return times, f"old {counts['old']} ({midway} half built), " \
            f"new {counts['new']}; {removed} leftovers removed"


def kills(subject):
    """kill -9 of each command that writes."""
    times = subject.times(200, 4)
    work = subject.work / "kills"
    work.mkdir()
    # An old database with observations, which generate and merge keep.
    old = work / "old"
    shutil.copy(subject.old, old)
    subject.run("observe", "-d", old, subject.logs[0])

    def killed(name, command, stage, same=None, start=old, check=subject.sound, **options):
        target = work / name
        if start is not None:
            shutil.copy(start, target)
        command = [target if word is ... else word for word in command]
        return Killed([subject.tool, *command], target, stage, subject.chance, check, same,
                      **options)

    for name, start in (("generate", old), ("generate, new file", None)):
        yield f"kill -9: {name}", *killed(
            f"{len(name)}.db", ["generate", "--quiet", *SMALL, "-d", ...], "packed",
            start=start).many(times)
    yield "kill -9: merge", *killed(
        "merge.db", ["merge", "--quiet", *subject.parts(), "-o", ...], "packed").many(times)
    yield "kill -9: observe", *killed(
        "observe.db", ["observe", *subject.logs, "-d", ...], "copy", content).many(times)
    yield from verify(subject, killed, times)
    few = subject.times(50, 2)
    yield "kill -9: export csv", *killed(
        "x.csv", ["export", "csv", "--mask", "32", "-d", subject.new, "-o", ...], "part",
        start=subject.logs[0], check=lambda _: None).many(few)
    yield "kill -9: report versions", *killed(
        "x.txt", ["report", "versions", "-d", subject.new, "-o", ...], "part",
        start=subject.logs[0], check=lambda _: None).many(few)


def verify(subject, killed, times):
    """verify --store needs a kernel tree; what it builds is left in a cache."""
    if not subject.tree:
        yield "kill -9: verify --store", 0, "skipped: no kernel tree; --tree names one"
        return
    cache = subject.work / "cache"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    one = killed(
        "verify.db", ["verify", "--tree", subject.tree, "--yes", "--platform", "x86",
                      "--store", ...], "copy", content, env=environment)
    count, what = one.many(times)
    yield "kill -9: verify --store", count, what
    # While it compiles: nothing of a program that is not whole is used later.
    builds = subject.times(20, 1)
    for _ in range(builds):
        shutil.rmtree(cache)
        process = one.start()
        time.sleep(subject.chance.uniform(0.05, 3))
        process.kill()
        process.wait()
        one.check(one.target)
        one.cleaned()
    programs = cache / "dmamatrix"
    aged = time.time() - 7200
    for path in programs.iterdir():
        os.utime(path, (aged, aged))
    one.cleaned()
    left = [path.name for path in programs.iterdir() if "." in path.name]
    require(not left, f"left in the cache: {left}")
    yield "kill -9: verify, compiling", builds, \
        "each run after it compiled and answered as ever; the cache was left clean"


def kill_any(arguments):
    """torture.py kill: the same to any command."""
    import argparse
    import pathlib
    import random
    import shlex
    parser = argparse.ArgumentParser(prog="torture.py kill")
    parser.add_argument("--target", type=pathlib.Path, required=True)
    parser.add_argument("--stage", default="packed")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--check")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)

    def check(_):
        if options.check:
            subprocess.run(shlex.split(options.check), check=True, stdout=subprocess.DEVNULL)

    killed = Killed(options.command, options.target.resolve(), options.stage, random, check)
    print("{} kills: {}".format(*killed.many(options.times)))
