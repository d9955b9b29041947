#!/usr/bin/env python3
"""Changes the sources one place at a time and asks the tests whether they notice.

A mutant is one changed comparison, constant, enumeration value or branch.  It is
killed if the tests fail (or do not compile, which is counted apart), and survives if
they pass.  Runs in a copy of the checkout without ../shared, goldens and commands, so
that what kills a mutant is a test with a reference of its own.

Survivors that are known to be the same program are listed in equivalent.txt beside
this file, each with the reason; any other survivor makes the exit status 1.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEFAULT_PATHS = [
    "Sources/DMAModel",
    "Sources/DMAHardware",
    "Sources/Analysis/Cover.swift",
    "Sources/Analysis/Condition.swift",
    "Sources/Analysis/Lint.swift",
    "Sources/Analysis/Comparison.swift",
]
SUITES = "DMAModelTests|AnalysisTests|ConformanceTests|ObservationsTests|PolicyFilesTests"

COMPARISONS = {
    "<=": ["<"], ">=": [">"], " < ": [" <= "], " > ": [" >= "], "==": ["!="], "!=": ["=="],
    "&&": ["||"], "||": ["&&"],
}


def places(text):
    """Every mutant of a file: (offset, length, replacement, what)."""
    found = []
    # Comments, strings and attributes are not code.
    code = re.sub(
        r'//[^\n]*|"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|@\w+(?:\([^)]*\))?',
        lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for token, others in COMPARISONS.items():
        for match in re.finditer(re.escape(token), code):
            if token in ("==", "!=") and "func " in code[code.rfind("\n", 0, match.start()):match.start()]:
                continue
            for other in others:
                found.append((match.start(), len(token), other, "comparison"))
    for match in re.finditer(r"(?<![\w.#$])(0x[0-9a-f_]+|\d[\d_]*)(?![\w.])", code):
        value = int(match.group().replace("_", ""), 0)
        for other in {value + 1, value - 1} - {-1}:
            found.append((match.start(), len(match.group()), str(other), "constant"))
    for match in re.finditer(r"\b(true|false)\b", code):
        other = "false" if match.group() == "true" else "true"
        found.append((match.start(), len(match.group()), other, "constant"))
    # Enumeration values that stand beside each other in the same file are exchanged.
    values = sorted(set(re.findall(r"(?:return|\?|: )\s*(\.[a-z]\w+)(?![\w(])", code)))
    for match in re.finditer(r"(?:return|\?|: )\s*(\.[a-z]\w+)(?![\w(])", code):
        others = [value for value in values if value != match.group(1)]
        if others:
            other = others[hash_of(match.start()) % len(others)]
            found.append((match.start(1), len(match.group(1)), other, "value"))
    for match in re.finditer(r"\bif ([^\n{]+) \{\n", code):
        condition = text[match.start(1):match.end(1)]
        if "let " in condition or "case " in condition or "," in condition:
            continue
        found.append((match.start(1), len(condition), f"!({condition})", "branch"))
    return found


def hash_of(number):
    return number * 2654435761 & 0xFFFFFFFF


def run(command, directory, seconds):
    """The status of a command; None where it took too long."""
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--count", type=int, default=40, help="mutants to try (default: 40)")
    parser.add_argument("--minutes", type=float, default=30, help="at most (default: 30)")
    parser.add_argument("--suites", default=SUITES, help="test filter")
    parser.add_argument("--swift", default=os.environ.get("SWIFT", "swift"))
    parser.add_argument("paths", nargs="*", default=DEFAULT_PATHS)
    arguments = parser.parse_args()

    sources = []
    for path in arguments.paths:
        whole = ROOT / path
        if not whole.exists():
            parser.error(f"'{path}' does not exist; accepted: files and folders below the checkout")
        sources += [whole] if whole.is_file() else sorted(whole.rglob("*.swift"))
    mutants = []
    for source in sources:
        text = source.read_text()
        mutants += [(source.relative_to(ROOT), *place) for place in places(text)]
    chosen = random.Random(arguments.seed)
    sample = chosen.sample(mutants, min(arguments.count, len(mutants)))
    print(f"seed {arguments.seed}: {len(sample)} of {len(mutants)} mutants in {len(sources)} files")

    equivalent = set()
    for line in (HERE / "equivalent.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            equivalent.add(line.split(" # ")[0].strip())

    # The copy has a fixed place, so that a second run builds little.
    copy = pathlib.Path(os.environ.get("MUTATE_COPY") or ROOT / ".build-mutate" / "checkout")
    copy.parent.mkdir(parents=True, exist_ok=True)
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
        capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, files):
        old, new = ROOT / name, copy / name
        if not old.is_file():
            continue
        if not new.exists() or new.read_bytes() != old.read_bytes():
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(old, new)
    build = [arguments.swift, "build", "--build-tests", "-Xswiftc", "-O"]
    test = [arguments.swift, "test", "--skip-build", "-Xswiftc", "-O", "--filter", arguments.suites]
    begin = time.monotonic()
    for command in (build, test):
        status, output = run(command, copy, 1800)
        if status != 0:
            sys.exit(f"the tests fail before anything was changed:\n{output[-2000:]}")
    # Three times what they take unchanged: a mutant may loop.
    patience = max(60, 3 * (time.monotonic() - begin))

    counts = {"killed": 0, "does not compile": 0, "same program": 0, "survived": 0}
    survivors = []
    for index, (path, offset, length, replacement, what) in enumerate(sample, 1):
        if time.monotonic() - begin > arguments.minutes * 60:
            print(f"stopped after {arguments.minutes} minutes: {index - 1} mutants tried")
            break
        file = copy / path
        text = file.read_text()
        line = text.count("\n", 0, offset) + 1
        old = text[offset:offset + length]
        name = f"{path}:{line}: {old.strip()} -> {replacement.strip()}"
        context = text.splitlines()[line - 1].strip()
        identity = f"{path}: {old.strip()} -> {replacement.strip()} in: {context}"
        file.write_text(text[:offset] + replacement + text[offset + length:])
        try:
            status, output = run(build, copy, 1800)
            if status != 0:
                verdict = "does not compile"
            else:
                status, output = run(test, copy, patience)
                verdict = "survived" if status == 0 else "killed"
                if verdict == "survived" and identity in equivalent:
                    verdict = "same program"
        finally:
            file.write_text(text)
        counts[verdict] += 1
        if verdict == "survived":
            survivors.append(identity)
        print(f"{index:4} {verdict:16} {what:10} {name}", flush=True)

    tried = counts["killed"] + counts["survived"]
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    if tried:
        print(f"{100 * counts['killed'] / tried:.1f} % of the mutants that differ were killed")
    if survivors:
        print("\nEach survivor needs an independent test, or a line in equivalent.txt with the reason:")
        for survivor in survivors:
            print("  " + survivor)
        sys.exit(1)


if __name__ == "__main__":
    main()
