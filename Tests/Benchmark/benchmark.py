"""Measures dmamatrix against what else could do the same, and how it grows.

Usage: benchmark.py TOOL REPORT [--quick | --axes | --traffic]

With --axes or --traffic, only the section "Axis by axis" or "Traffic" of an existing
REPORT is measured anew.

Kernel trees that `make verify-kernels` unpacked in .kernels are measured too.

Writes REPORT (Markdown): machine facts, then every figure beside its baseline, both
from this run, with ratios; bare times depend on the machine and stand in brackets.
Baselines: `dmamatrix bench` has the raw-SQLite row loop; here are Python's itertools
with executemany, DuckDB, and a table with one row for each combination.
"""

import io
import itertools
import json
import os
import pathlib
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import tarfile
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
KEY = "x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/dma32"
SLICES = [
    ("a scenario", f"SELECT result, decided_by FROM {{}} WHERE {POINT}"),
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


def analyses(work, evaluations, combinations):
    """compare, check and report over the whole matrix, in passes of the model.

    A pass is the time that one core needs to evaluate every combination once.
    """
    target = work / "matrix.db"
    run("generate", "--quiet", "-d", target)
    rows = []
    for name, arguments in (
            ("compare v6 v7", ["compare", "v6", "v7"]),
            ("check --kernel 7.3 --base 7.2", ["check", "--kernel", "7.3", "--base", "7.2"]),
            ("report findings", ["report", "findings"]),
            ("report lifecycle", ["report", "lifecycle"]),
            ("report html", ["report", "html", "-d", target, "-o", work / "page.html"]),
            ("policy reach 7.3", ["policy", "reach", "7.3"]),
            ("solve --from v6 --base 7.2", ["solve", "--from", "v6", "--base", "7.2"]),
            ("query: GROUP BY verdict", ["query", "-d", target, "SELECT verdict, count(*) "
                                         "FROM behavior GROUP BY verdict"]),
            ("query: GROUP BY decided_by", ["query", "-d", target, "SELECT decided_by, count(*) "
                                            "FROM behavior GROUP BY decided_by"]),
            ("query: a scenario's key", ["query", "-d", target,
                                         f"SELECT * FROM behavior WHERE scenario = '{KEY}'"]),
            ("explain a scenario", ["explain", "--kernel", "7.3", KEY]),
            ("--version", ["--version"])):
        seconds, memory, _, cpu = measured(*arguments)
        rows.append((name, f"{seconds:.2f} s", f"{cpu:.2f} s",
                     f"{seconds * evaluations / combinations:.2f}", f"{memory:.0f} MB"))
    rows.append(("the executable", "", "", "", f"{pathlib.Path(tool).stat().st_size / 1e6:.0f} MB"))
    return table(["command", "time", "of CPUs", f"passes over {combinations / 1e6:.1f} million combinations", "memory"], rows)


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


OPENING = """# Benchmark

How fast the tool is and how large its files are: making the matrix, loading it by other
ways, questions, analyses, kernel trees, captures and larger matrices. Made by `make
bench`. Ratios compare within this run; times are this machine's.

Legend: combination, evaluation: one scenario and its answer. ratio, times: by how much
ours is faster or smaller. target: what the figure has to reach; none where empty.

"""
TRAFFIC_TITLE = "\n## Traffic\n\n"
NVME, NIC, RAID = "0000:00:01.0", "0000:00:02.0", "0000:00:03.0"
POOL = 0x7BC00000
EVENTS = 500_000


def traced(events):
    """The text of a trace: pages and lists of 64-bit devices, a card whose 32 bits make
    it bounce, allocations; each is unmapped or freed again."""
    lines, page, count = [], 0, 0

    def add(event):
        lines.append(f" task-0 [000] ..s1. {30 + len(lines) * 1e-5:12.6f}: {event}\n")

    while len(lines) < events:
        page = (page + 1) % 0x20000
        address, count = 0x1_0100_0000 + page * 4096, count + 1
        add(f"dma_map_page: {NVME} dir=FROM_DEVICE dma_addr={address:x} size=4096 "
            f"phys_addr={address:x} attrs=")
        add(f"dma_unmap_page: {NVME} dir=FROM_DEVICE dma_addr={address:x} size=4096 attrs=")
        slot, size = POOL + page % 256 * 2048, 60 + page % 1400
        add(f"swiotlb_bounced: dev_name: {NIC} dma_mask=ffffffff dev_addr={address:x} "
            f"size={size} NORMAL")
        add(f"dma_map_page: {NIC} dir=TO_DEVICE dma_addr={slot:x} size={size} "
            f"phys_addr={address:x} attrs=")
        add(f"dma_unmap_page: {NIC} dir=TO_DEVICE dma_addr={slot:x} size={size} attrs=")
        parts = ",".join(f"0x{address + 4096 * n:x}" for n in range(8))
        sizes = ",".join(["0x1000"] * 8)
        add(f"dma_map_sg: {RAID} dir=TO_DEVICE nents=8/8 ents=8/8 dma_addrs={{{parts}}} "
            f"sizes={{{sizes}}} phys_addrs={{{parts}}} attrs=")
        add(f"dma_unmap_sg: {RAID} dir=TO_DEVICE phys_addrs={{{parts}}} attrs=")
        if count % 16 == 0:
            add(f"dma_alloc: {RAID} dir=BIDIRECTIONAL dma_addr={0x2000000:x} size=4096 "
                f"virt_addr=000000005d1b7d3c flags=GFP_KERNEL attrs=")
            add(f"dma_free: {RAID} dir=BIDIRECTIONAL dma_addr={0x2000000:x} size=4096 "
                f"virt_addr=000000005d1b7d3c attrs=")
    head = "# tracer: nop\n#\n# entries-in-buffer/entries-written: " \
        f"{len(lines)}/{len(lines)}   #P:1\n#\n"
    return head + "".join(lines), len(lines)


def captured(path, trace):
    """A capture of a machine of 6 GiB with those three devices."""
    files = {
        "dmesg": "[    0.000000] Linux version 6.12.1-amd64\n"
        f"[    0.100000] software IO TLB: mapped [mem {POOL:#018x}-{POOL + (64 << 20) - 1:#018x}]"
        " (64MB)\n",
        "proc/version": "Linux version 6.12.1-amd64\n", "proc/cmdline": "\n",
        "proc/cpuinfo": "cpu family\t: 15\nflags\t\t: fpu\n",
        "proc/iomem": "00001000-0009ffff : System RAM\n00100000-7fffffff : System RAM\n"
        "100000000-1ffffffff : System RAM\n",
        "sys/kernel/debug/swiotlb/io_tlb_nslabs": "32768\n",
        "sys/kernel/tracing/trace": trace,
    }
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        def add(name, text="", target=""):
            entry = tarfile.TarInfo(name)
            data = text.encode()
            entry.size, entry.linkname = len(data), target
            entry.type = tarfile.SYMTYPE if target else tarfile.REGTYPE
            archive.addfile(entry, io.BytesIO(data))
        for device, driver, bits, kind in (
                (NVME, "nvme", 64, "0x010802"), (NIC, "e1000", 32, "0x020000"),
                (RAID, "megaraid_sas", 64, "0x010400")):
            folder = f"sys/bus/pci/devices/{device}/"
            for name, value in (("class", kind), ("dma_mask_bits", bits),
                                ("consistent_dma_mask_bits", bits)):
                add(folder + name, f"{value}\n")
            add(folder + "driver", target=f"../../../bus/pci/drivers/{driver}")
        for name, text in files.items():
            add(name, text)


def counted(path):
    """The baseline: mappings (a list has one an entry), bytes, bounces and allocations
    of each device, with re."""
    event = re.compile(
        r": (dma_map_page|dma_map_phys|dma_map_sg|dma_alloc|swiotlb_bounced): "
        r"(?:dev_name: )?(\S+).*? (?:size|sizes)=(\S+)")
    devices = {}
    with tarfile.open(path) as archive:
        for line in io.TextIOWrapper(archive.extractfile("sys/kernel/tracing/trace"), "ascii"):
            found = event.search(line)
            if not found:
                continue
            kind, device, size = found.groups()
            counts = devices.setdefault(device, [0, 0, 0, 0])
            if kind == "swiotlb_bounced":
                counts[2] += 1
            elif kind == "dma_alloc":
                counts[3] += 1
            else:
                sizes = ([int(part, 16) for part in size[1:-1].split(",")]
                         if size[0] == "{" else [int(size)])
                counts[0] += len(sizes)
                counts[1] += sum(sizes)
    return devices


def traffic(work):
    """observe on a capture, against counting its events, which compares nothing."""
    path = work / "capture.tar.gz"
    trace, events = traced(EVENTS)
    captured(path, trace)
    arguments = ["observe", "--dry-run", "--format", "json", path]
    runs = [measured(*arguments, accepted=(0,)) for _ in range(3)]
    answer = json.loads(runs[0][2])
    if answer["agree"] != events:
        raise SystemExit(f"observe: {answer['agree']} of {events} events agree")
    own = {d["device"]: [d["mappings"], d["bytes"], d["bounced"], d["allocations"]]
           for d in answer["devices"]}
    if own != counted(path):
        raise SystemExit("observe and the baseline count differently")
    seconds, cpu = (statistics.median(one[n] for one in runs) for n in (0, 3))
    start = time.monotonic(), time.process_time()
    counted(path)
    python = time.monotonic() - start[0], time.process_time() - start[1]
    return f"A capture whose trace has {events} events ({len(trace) / 1e6:.0f} MB of text), " \
        "from the archive to the table.\n\n" + table(
            ["work", "time", "of a CPU", "observe needs less CPU by", "memory"],
            [("observe: every event compared with the model", f"{seconds:.2f} s",
              f"{cpu:.2f} s", "1", f"{max(one[1] for one in runs):.0f} MB"),
             ("Python, re: mappings, bytes, bounces, allocations by device",
              f"{python[0]:.2f} s", f"{python[1]:.2f} s", ratio(python[1] / cpu), "")])


def fleet(work):
    """host --store on a folder of captures, against storing the counts of their events."""
    folder, target, plain = work / "captures", work / "fleet.db", work / "counts.db"
    folder.mkdir()
    captured(work / "one.tar.gz", traced(1000)[0])
    data = (work / "one.tar.gz").read_bytes()
    count = 500 if quick else 2000
    for number in range(count):
        (folder / f"{number}.tar.gz").write_bytes(data)
    # A new database gets the matrix first, which is no part of this.
    run("host", "--store", target, work / "one.tar.gz")
    seconds, memory, _, cpu = measured("host", "--store", target, folder)
    start = time.monotonic(), time.process_time()
    connection = sqlite3.connect(plain)
    connection.execute("CREATE TABLE host_traffic (host, device, mappings, bytes, bounced, "
                       "allocations)")
    for path in folder.iterdir():
        connection.executemany(
            "INSERT INTO host_traffic VALUES (?, ?, ?, ?, ?, ?)",
            [(path.name, device, *counts) for device, counts in counted(path).items()])
    connection.commit()
    python = time.monotonic() - start[0], time.process_time() - start[1]
    question = "SELECT sum(mappings), sum(bytes), sum(bounced) FROM host_traffic"
    stored = connection.execute(question).fetchone()
    connection.close()
    if query(target, question) != "\t".join(str(n * (count + 1) // count) for n in stored):
        raise SystemExit("host --store and the baseline count differently")
    return f"\n{count} captures of three devices and 1000 events each.\n\n" + table(
        ["work", "captures/s", "of a CPU", "host needs less CPU by", "memory"],
        [("host --store: devices, answers, what other kernels change, traffic",
          f"{count / seconds:.0f}", f"{cpu:.1f} s", "1", f"{memory:.0f} MB"),
         ("Python, re, sqlite3: the counts by device", f"{count / python[0]:.0f}",
          f"{python[1]:.1f} s", ratio(python[1] / cpu), "")])


def write(text):
    temporary = f"{report}.{os.getpid()}.tmp"
    pathlib.Path(temporary).write_text(text)
    os.replace(temporary, report)
    print(text, end="")


with tempfile.TemporaryDirectory(prefix="dmamatrix-bench-") as folder:
    work = pathlib.Path(folder)
    if "--traffic" in sys.argv:
        before, title, rest = pathlib.Path(report).read_text().partition(TRAFFIC_TITLE)
        after = rest[rest.index("\n## "):] if title else ""
        if not title:
            before, title, rest = before.partition("\n## Growth\n")
            after = title + rest
        write(before + TRAFFIC_TITLE + traffic(work) + fleet(work) + after)
        raise SystemExit
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
    text = OPENING + "".join(f"- {fact}\n" for fact in machine)
    text += "\n## dmamatrix bench\n\n" + table(
        ["figure", "value", "unit", "target"],
        [(f["name"], f"{f['value']:.2f}" if f["value"] < 1000 else f"{f['value']:.0f}",
          f["unit"], f["target"]) for f in figures])
    text += "\n## Loading\n\n" + load_text
    text += "\n## Questions\n\n" + queries(work)
    text += "\n## The whole matrix\n\n" + analyses(work, evaluations, combinations)
    text += "\n## A kernel's own code\n\n" + trees(work, evaluations)
    text += TRAFFIC_TITLE + traffic(work) + fleet(work)
    text += "\n## Growth\n\nTwo kernels, finer axes. Each column as a multiple of the " \
        "first line's.\n\n" + growth(work)
    text += AXES_TITLE + axes(work)
    write(text)
