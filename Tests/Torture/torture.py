"""Does to databases what machines do to them, and counts what was lost.

Usage: torture.py [--tool TOOL] [--short] [--seed N] [--tree DIR] [--logs DIR]
                  [--report FILE] [TEST...]
       torture.py kill --target FILE [--stage packed] [--times N]
                  [--check COMMAND] -- COMMAND...

TESTs: kills, disks, readonly, writers, readers, clocks, schemas, pages; all
without one.  verify is killed where --tree names a kernel tree; --logs names a
directory of other kernel logs than the repository's.  --report also writes the
table to a file.

"kill" does the same to any command that makes FILE: whenever it is killed, FILE
must be as before or as a run to the end leaves it, and COMMAND of --check must
succeed on it.  --stage is the temporary file that the command renames.

Exit status 1 if anything was lost.  Tests that mount a small disk or give up rights
need root; without it they say so.
"""

import argparse
import os
import pathlib
import platform
import random
import subprocess
import sys
import tempfile
import textwrap
import time

# Nothing of this is left in the repository.
sys.dont_write_bytecode = True

import disks
import kills
import others
import pages
from subject import Lost, Skipped, Subject

TESTS = {
    "kills": kills.kills, "disks": disks.disks, "readonly": disks.readonly,
    "writers": others.writers, "readers": others.readers, "clocks": others.clocks,
    "schemas": others.schemas, "pages": pages.pages,
}
WIDTHS = (32, 5)


def line(what, count, came_of_it):
    """A line of the table, of up to 72 columns."""
    rest = 72 - sum(WIDTHS) - 4
    texts = textwrap.wrap(str(came_of_it), rest) or [""]
    first = f"{what:{WIDTHS[0]}}  {count:>{WIDTHS[1]}}  {texts[0]}"
    return "\n".join([first] + [" " * (72 - rest) + text for text in texts[1:]])


def report(table, seconds, seed, tool, file):
    """Writes the table beside the other measurements."""
    version = subprocess.run([tool, "--version"], capture_output=True, text=True,
                             check=True).stdout.strip()
    text = f"""# Torture

What is lost when a command is killed, when the disk is full, when clocks are wrong and
when files are damaged. Made by `make torture`, which ends with status 1 at the first
loss. A moment, a size or a bit is random; `--seed` repeats the choice, but no machine
its timing.

Legend: times: how often it was done. old, new: the file is whole afterwards, as before
or as the command makes it. half built: a temporary file was being written. leftovers:
files of a killed run, which the next run removes.

- Linux {platform.release()}, {os.cpu_count()} CPUs, {seconds / 60:.0f} minutes
- {version}, seed {seed}

```
{table}
```
"""
    temporary = f"{file}.{os.getpid()}.tmp"
    pathlib.Path(temporary).write_text(text)
    os.replace(temporary, file)


def main():
    if sys.argv[1:2] == ["kill"]:
        kills.kill_any(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tool", default=".build/release/dmamatrix")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--tree")
    parser.add_argument("--logs")
    parser.add_argument("--report")
    parser.add_argument("tests", nargs="*", choices=[[], *TESTS])
    options = parser.parse_args()
    start = time.monotonic()
    lines = []

    def say(*row):
        lines.append(line(*row))
        print(lines[-1], flush=True)

    with tempfile.TemporaryDirectory(prefix="dmamatrix-torture-") as folder:
        subject = Subject(options, pathlib.Path(folder), random.Random(options.seed))
        print(f"seed {options.seed}")
        say("what was done", "times", "what came of it")
        say("-" * WIDTHS[0], "-" * WIDTHS[1], "-" * (72 - sum(WIDTHS) - 4))
        for name in options.tests or TESTS:
            try:
                for row in TESTS[name](subject):
                    say(*row)
            except Skipped as reason:
                say(name, 0, f"skipped: {reason}")
        if options.report:
            report("\n".join(lines), time.monotonic() - start, options.seed, subject.tool,
                   options.report)


try:
    main()
except Lost as loss:
    raise SystemExit(f"lost: {loss}") from None
