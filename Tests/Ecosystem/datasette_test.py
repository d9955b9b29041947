"""Starts the real Datasette on a database and asks it what a user would.

Usage: datasette_test.py DATASETTE DATABASE SITE

DATASETTE is the program, DATABASE the file, SITE the directory that
"dmamatrix export datasette" wrote. Source of the expected answers: the same SQL
by Python's sqlite3.
"""

import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

program, database, site = sys.argv[1:4]
name = database.rsplit("/", 1)[-1].removesuffix(".db")
version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
is_one = "version 1." in version.stdout

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]

command = [program, "serve", database, "-p", str(port), "-m", f"{site}/metadata.yaml"]
if is_one:
    command += ["-c", f"{site}/datasette.yaml"]
else:
    command += ["--setting", "sql_time_limit_ms", "20000"]
    command += ["--setting", "facet_time_limit_ms", "10000"]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read().decode()


def check(condition, what):
    if not condition:
        raise SystemExit(f"{version.stdout.strip()}: {what}")


try:
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit(f"datasette ended: {server.stderr.read().decode()}")
        try:
            get("/-/versions.json")
            break
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)

    rows = json.loads(get(f"/{name}/thunderbolt.json?_shape=array&kernel=6.12&_size=max"))
    expected = sqlite3.connect(database).execute(
        "SELECT count(*) FROM behavior_span WHERE kernel = '6.12' AND platform = 'x86'"
        " AND iommu = 'translated' AND swiotlb = 'default' AND mem = '64G'"
        " AND coherent_mask = 'same' AND bus_limit = 'none' AND coherent = '1'"
        " AND external = '1'").fetchone()[0]
    check(expected > 0 and len(rows) == expected, f"thunderbolt: {len(rows)} rows, not {expected}")
    check({row["result"] for row in rows} >= {"iova", "iova_bounce"}, "thunderbolt: results")

    page = get(f"/{name}/thunderbolt")
    check("What an untrusted Thunderbolt device gets" in page, "the query's page has no title")
    check('name="kernel"' in page, "the query's page has no field for its parameter")

    for query in ["sme-bounces", "rules", "path-not-verdict", "cbit-under-force"]:
        rows = json.loads(get(f"/{name}/{query}.json?_shape=array"))
        check(len(rows) > 0, f"{query} has no rows")

    facets = get(f"/{name}/behavior_span?kernel=v6")
    check("garbled" in facets and "x86-sme47" in facets, "the page of behavior_span has no facets")
    check("encoding of the address" in facets, "the columns are not described")
    counted = json.loads(
        get(f"/{name}/behavior_span.json?kernel=v6&_facet=verdict&_size=1&_extra=facet_results"))
    results = counted["facet_results"].get("results", counted["facet_results"])
    seen = {item["value"]: item["count"] for item in results["verdict"]["results"]}
    told = dict(sqlite3.connect(database).execute(
        "SELECT verdict, count(*) FROM behavior_span WHERE kernel = 'v6' GROUP BY 1"))
    check(seen == told, f"facet verdict: {seen}, not {told}")
    print(f"{version.stdout.strip()}: canned queries, facets and descriptions: ok")
finally:
    server.terminate()
    server.wait()
