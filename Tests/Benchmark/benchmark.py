"""Measures dmamatrix against what else could do the same, and how it grows.

Usage: benchmark.py TOOL REPORT [--quick | --axes]

With --axes, only the section "Axis by axis" of an existing REPORT is measured anew.

Kernel trees that `make verify-kernels` unpacked in .kernels are measured too.

Writes REPORT (Markdown): machine facts, then every figure beside its baseline, both
from this run, with ratios; bare times depend on the machine and stand in brackets.
Baselines: `dmamatrix bench` has the raw-SQLite row loop; here are Python's itertools
with executemany, DuckDB, and a table with one row for each combination.
"""

import itertools
import json
import os
import pathlib
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb

ROWS = 500_000
tool, report = os.path.abspath(sys.argv[1]), sys.argv[2]
quick = "--quick" in sys.argv


# A process starts with the peak of the one that starts it, so a small one does.
LAUNCH = """
import os, sys, time
start = time.monotonic()
child = os.spawnv(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
os.write(int(sys.argv[1]), f"{time.monotonic() - start} {usage.ru_maxrss} "
         f"{os.waitstatus_to_exitcode(status)} {usage.ru_utime + usage.ru_stime}".encode())
"""


def run(*arguments, accepted=(0, 1)):
    """Runs the tool: seconds, peak memory in MB, output."""
    return measured(*arguments, accepted=accepted)[:3]


def measured(*arguments, accepted=(0, 1)):
    """The same, and the CPU seconds of the tool and of what it ran."""
    read, write = os.pipe()
    with os.fdopen(read) as figures:
        output = subprocess.run(
            [sys.executable, "-ISc", LAUNCH, str(write), tool, *map(str, arguments)],
            stdout=subprocess.PIPE, pass_fds=[write], text=True, check=True).stdout
        os.close(write)
        seconds, peak, status, cpu = figures.read().split()
    if int(status) not in accepted:
        raise SystemExit(f"{arguments}: status {status}")
    return float(seconds), int(peak) * 1024 / 1e6, output, float(cpu)


def median(times, work):
    def once():
        start = time.monotonic()
        work()
        return time.monotonic() - start
    return statistics.median(once() for _ in range(times))


def facts():
    cpu = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 1e6
    return [
        f"{cpu}, {os.cpu_count()} CPUs, {memory:.0f} GB of memory",
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f} at the start",
        f"SQLite {sqlite3.sqlite_version} (Python's), Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}",
        run("--version")[2].strip(),
    ]


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def ratio(value):
    return f"{value:.0f}x" if value >= 10 else f"{value:.1f}x"


def loading(work):
    """Combinations a second: generate, and loading rows that were evaluated already."""
    target = work / "matrix.db"
    seconds, memory, _ = run("generate", "--quiet", "-d", target)
    combinations = int(query(target, "SELECT sum(p.masks) FROM behavior_line l "
                             "JOIN profile p ON p.id = l.profile_id"))
    generate = combinations / seconds

    def product():
        """21 columns of small numbers, as many as a row of axes and outcomes has."""
        axes = [range(2)] * 7 + [range(8), range(8), range(64)]
        return itertools.islice(
            (row + (1,) * 11 for row in itertools.product(*axes)), ROWS)

    def executemany():
        path = work / "python.db"
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE matrix (" + ", ".join(f"c{n} INTEGER" for n in range(21)) + ")")
        connection.executemany(
            "INSERT INTO matrix VALUES (" + ",".join("?" * 21) + ")", product())
        connection.commit()
        connection.close()

    rows = query(target, "SELECT count(*) FROM behavior WHERE kernel = 'v6' "
                 "AND platform = 'x86-sme47'")
    csv = work / "part.csv"
    run("export", "csv", "-d", target, "--kernel", "v6", "--platform", "x86-sme47", "-o", csv)

    def load():
        path = work / "duck.db"
        path.unlink(missing_ok=True)
        connection = duckdb.connect(str(path))
        connection.execute(f"CREATE TABLE matrix AS SELECT * FROM '{csv}'")
        connection.close()

    python = ROWS / median(3, executemany)
    duck = int(rows) / median(3, load)
    lines = [
        ("generate: evaluate, store, index, digest", f"{generate / 1e6:.2f}", "1"),
        ("Python: itertools.product, executemany, no evaluation", f"{python / 1e6:.2f}",
         ratio(generate / python)),
        (f"DuckDB: load a CSV file of {rows} of the rows", f"{duck / 1e6:.2f}",
         ratio(generate / duck)),
    ]
    text = table(["work", "million combinations/s", "generate is faster by"], lines)
    size = target.stat().st_size
    text += (f"\nThe file has {size / 1e6:.1f} MB for {combinations} combinations, "
             f"{size / combinations:.2f} bytes each; generate needed {memory:.0f} MB of memory.\n")
    return target, text


def query(database, sql, *more):
    return run("query", "-d", database, sql, "--no-header", "--format", "tabs",
               "--timeout", "0", *more)[2].strip()


POINT = ("kernel = 'v6' AND platform = 'x86-sme47' AND iommu = 'passthrough' "
         "AND swiotlb = 'force' AND mem = '64G' AND mask = 64 AND coherent_mask = 'same' "
         "AND bus_limit = 'none' AND coherent = '1' AND external = '0' AND op = 'map' "
         "AND attrs = 'none' AND buf = 'dma32'")
SLICES = [
    ("a scenario", f"SELECT result, \"where\" FROM {{}} WHERE {POINT}"),
    ("a platform, a kernel, by verdict",
     "SELECT verdict, count(*) FROM {} WHERE kernel = 'v6' AND platform = 'x86-sme47' "
     "GROUP BY 1 ORDER BY 1"),
    ("a command line, mask by mask",
     "SELECT mask, result, count(*) FROM {} WHERE kernel = 'v6' AND platform = 'x86-sme47' "
     "AND iommu = 'passthrough' AND swiotlb = 'force' GROUP BY 1, 2 ORDER BY 1, 2"),
]


def queries(work):
    """The same questions of the view and of a table with one row a combination."""
    target, flat = work / "small.db", work / "flat.db"
    run("generate", "--quiet", "-d", target, "--kernel", "v6,v7", "--platform",
        "x86-sme47,sev")
    connection = sqlite3.connect(flat)
    connection.execute("ATTACH ? AS m", (str(target),))
    connection.execute("CREATE TABLE rows AS SELECT * FROM m.behavior")
    connection.execute("CREATE INDEX by_axes ON rows (kernel, platform, iommu, swiotlb, mem, "
                       "op, attrs, buf, mask, coherent_mask, bus_limit, coherent, external)")
    connection.execute("ANALYZE rows")
    connection.commit()
    connection.close()
    rows = []
    for what, sql in SLICES:
        seconds, answers = [], []
        for path, name in ((target, "behavior"), (flat, "rows")):
            connection = sqlite3.connect(path)
            question = sql.format(name)
            answers.append(connection.execute(question).fetchall())
            seconds.append(median(5, lambda: connection.execute(question).fetchall()))
            connection.close()
        if answers[0] != answers[1]:
            raise SystemExit(f"{what}: the answers differ")
        rows.append((what, f"{seconds[0] * 1000:.2f} ms", f"{seconds[1] * 1000:.2f} ms",
                     ratio(seconds[1] / seconds[0])))
    sizes = target.stat().st_size, flat.stat().st_size
    rows.append(("size of the file", f"{sizes[0] / 1e6:.1f} MB", f"{sizes[1] / 1e6:.1f} MB",
                 ratio(sizes[1] / sizes[0])))
    return table(["question", "dmamatrix", "one row a combination", "ratio"], rows)


def analyses(evaluations, combinations):
    """compare, check and report over the whole matrix, in passes of the model.

    A pass is the time that one core needs to evaluate every combination once.
    """
    rows = []
    for name, arguments in (
            ("compare v6 v7", ["compare", "v6", "v7"]),
            ("check --kernel 7.3 --base 7.2", ["check", "--kernel", "7.3", "--base", "7.2"]),
            ("report findings", ["report", "findings"]),
            ("report lifecycle", ["report", "lifecycle"])):
        seconds, memory, _ = run(*arguments)
        rows.append((name, f"{seconds:.1f} s", f"{seconds * evaluations / combinations:.1f}",
                     f"{memory:.0f} MB"))
    return table(["command", "time", f"passes over {combinations / 1e6:.1f} million combinations", "memory"], rows)


def trees(work, evaluations):
    """A kernel's own code: compiled, then asked for every scenario by one job."""
    rows = []
    for name in ("6.1", "6.12", "7.2", "7.3"):
        tree = pathlib.Path(".kernels") / name
        if not tree.is_dir():
            continue
        arguments = ["verify", "--tree", tree, "--against", name, "--yes", "--jobs", "1",
                     "--cache", work / f"cache-{name}"]
        first = run(*arguments, accepted=(0,))[0]
        runs = [measured(*arguments, accepted=(0,)) for _ in range(3)]
        summary = next(line for line in runs[0][2].splitlines() if " exist on both: " in line)
        rate = int(summary.split()[0]) / statistics.median(one[3] for one in runs)
        rows.append((name, summary.split()[0], f"{rate / 1e6:.2f}", ratio(evaluations / rate),
                     f"{first - statistics.median(one[0] for one in runs):.1f} s"))
    if not rows:
        return "Left out: no tree in .kernels (make verify-kernels).\n"
    return table(["tree", "scenarios", "million/s of a core, compared", "the model alone",
                  "compiling, once"], rows)


def finer(machines=2, limits=2, buffers=8, c_bits=2):
    """Arguments of generate: so many values of an axis, those of the model first."""
    arguments, names = [], ["2G", "64G"]
    for number in range(machines - 2):
        gigabytes = 3 + 2 * number
        names.append(f"m{gigabytes}")
        arguments += ["--machine", f"m{gigabytes}=0-2G,4G-{gigabytes + 2}G"]
    more = [bits for bits in range(24, 64) if bits != 32]
    places = [place for place in range(40, 52) if place not in (47, 51)]
    own = ["high", "-", "low", "dma32", "small", "large", "mmio32", "mmio64"]
    pages = [f"{1 + number // 2}G+{4 << number % 2}K" for number in range(48)]
    others = ["x86", "sev", "snp-vtom", "tdx", "arm64", "arm64-cca", "arm64-pkvm", "ppc64",
              "ppc64-svm", "s390", "s390-pv", "xen-pv"]
    sme = ["x86-sme47", "x86-sme51"] + [f"x86-sme{place}" for place in places]
    return arguments + [
        "--mem", ",".join(names), "--bus-limit", ",".join(
            ["none", "32"][:limits] + [str(bits) for bits in more[:max(0, limits - 2)]]),
        "--buf", ",".join((own + pages)[:buffers]),
        "--platform", ",".join(others + sme[:c_bits])]


def generated(work, arguments):
    """A database in work/finer.db: combinations, seconds, bytes, MB of memory."""
    target = work / "finer.db"
    seconds, memory, output = run("generate", "-d", target, *arguments)
    return (int(output.split(": ")[1].split()[0]), seconds, target.stat().st_size, memory)


def growth(work):
    """1, 4, 16 and 64 times as many combinations, by finer axes."""
    steps = [(1, {}), (4, {"machines": 4, "limits": 3, "buffers": 12, "c_bits": 3}),
             (16, {"machines": 6, "limits": 5, "buffers": 18, "c_bits": 4}),
             (64, {"machines": 12, "limits": 7, "buffers": 28, "c_bits": 6})]
    rows, first = [], None
    for times, axes in steps[:3] if quick else steps:
        now = generated(work, ["--kernel", "v6,v7", *finer(**axes)])
        target = work / "finer.db"
        point, _, _ = run("query", "-d", target,
                          f"SELECT result FROM behavior WHERE {POINT}")
        checked, _, _ = run("info", "-d", target, "--check")
        first = first or now + (point, checked)
        values = {"machines": 2, "limits": 2, "buffers": 8, "c_bits": 2} | axes
        rows.append((f"{times}x", ", ".join(map(str, values.values())), now[0],
                     *(ratio(b / a) for a, b in zip(first, now + (point, checked))),
                     f"{now[1]:.1f} s, {now[2] / 1e6:.0f} MB, {now[3]:.0f} MB"))
        target.unlink()
    return table(["step", "machines, bus limits, buffers, C-bits", "combinations",
                  "combinations", "generate", "file", "memory", "a scenario", "info --check",
                  "in numbers"], rows)


AXES_TITLE = "\n## Axis by axis\n\n"


def axes(work):
    """What more values of a single axis cost, each against its first line."""
    kernels = ["v6", "v7", "6.1", "6.12", "7.2", "v4", "v5", "7.3"]
    several = [
        ("kernels", [(count, ["--kernel", ",".join(kernels[:count])]) for count in (2, 4, 8)]),
        ("DMA masks", [(count, ["--kernel", "v6,v7", "--mask", f"24-{23 + count}"])
                       for count in (10, 20, 41)]),
    ] + [(name, [(count, ["--kernel", "v6,v7", *finer(**{key: count})]) for count in counts])
         for name, key, counts in (
             ("memory sizes", "machines", (2, 4, 8, 16)), ("bus limits", "limits", (2, 4, 8, 16)),
             ("buffers", "buffers", (8, 16, 32, 56)), ("C-bit positions", "c_bits", (2, 4, 8, 12)))]
    rows = []
    for name, steps in several:
        first = None
        for count, arguments in steps:
            now = generated(work, arguments)
            first = first or now
            rows.append((name, count, now[0], *(ratio(b / a) for a, b in zip(first, now))))
    return "More values of one axis, the others as they are in the model. Each row as a " \
        "multiple of\nits axis's first.\n\n" \
        + table(["axis", "values", "combinations", "combinations", "generate", "file",
                 "memory"], rows)


def write(text):
    temporary = f"{report}.{os.getpid()}.tmp"
    pathlib.Path(temporary).write_text(text)
    os.replace(temporary, report)
    print(text, end="")


with tempfile.TemporaryDirectory(prefix="dmamatrix-bench-") as folder:
    work = pathlib.Path(folder)
    if "--axes" in sys.argv:
        before = pathlib.Path(report).read_text().split(AXES_TITLE)[0]
        write(before + AXES_TITLE + axes(work))
        raise SystemExit
    machine = facts()
    figures = json.loads(run("bench", "--json")[2])
    named = {f["name"]: f["value"] for f in figures}
    evaluations = named["model, one core"] * 1e6
    combinations = named["combinations in the default matrix"]
    _, load_text = loading(work)
    text = "# Benchmark\n\n" + "".join(f"- {fact}\n" for fact in machine)
    text += "\nMade by `make bench`. Ratios compare within this run; times are this machine's.\n"
    text += "\n## dmamatrix bench\n\n" + table(
        ["figure", "value", "unit", "target"],
        [(f["name"], f"{f['value']:.2f}" if f["value"] < 1000 else f"{f['value']:.0f}",
          f["unit"], f["target"]) for f in figures])
    text += "\n## Loading\n\n" + load_text
    text += "\n## Questions\n\n" + queries(work)
    text += "\n## The whole matrix\n\n" + analyses(evaluations, combinations)
    text += "\n## A kernel's own code\n\n" + trees(work, evaluations)
    text += "\n## Growth\n\nTwo kernels, finer axes. Each column as a multiple of the " \
        "first line's.\n\n" + growth(work)
    text += AXES_TITLE + axes(work)
    write(text)
