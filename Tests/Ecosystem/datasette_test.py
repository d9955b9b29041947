"""Starts the real Datasette on a database and asks it what a user would.

Usage: datasette_test.py DATASETTE DATABASE SITE CHROMIUM

DATASETTE is the program, DATABASE the file, SITE the directory that
"dmamatrix export datasette" wrote, served without any option. Source of the expected
answers: the same SQL by Python's sqlite3.
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

from playwright.sync_api import sync_playwright

program, database, site, chromium = sys.argv[1:5]
name = database.rsplit("/", 1)[-1].removesuffix(".db")
version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]


def start(*arguments):
    """A server that answers."""
    server = subprocess.Popen([program, "serve", *arguments, "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit(f"datasette ended: {server.stderr.read().decode()}")
        try:
            get("/-/versions.json")
            return server
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    server.kill()
    raise SystemExit("datasette does not answer")


def stop(server):
    server.terminate()
    server.wait()


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read().decode()


def check(condition, what):
    if not condition:
        raise SystemExit(f"{version.stdout.strip()}: {what}")


server = start(site)
try:
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

    # No page of a table, a view or a query is an error.
    listed = get(f"/{name}")
    if f"/{name}/-/queries" in listed:  # 1.0 has a page of its own for many
        listed = get(f"/{name}/-/queries")
    described = sqlite3.connect(database)
    objects = [row[0] for row in described.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'")]
    queries = list(dict.fromkeys(re.findall(f'href="/{name}/([a-z0-9-]+)"', listed)))
    queries = [query for query in queries if query not in objects]
    check(len(queries) > 12, f"queries: {queries}")
    for page in objects + queries:
        try:
            get(f"/{name}/{page}")
        except urllib.error.HTTPError as error:
            check(False, f"/{name}/{page}: {error.code}")

    # Queries are grouped, and the notes say what values mean.
    titles = re.findall(r'>(Boots|Masks|Memory|Drivers|A fleet)[^<:]*: ', listed)
    check(len(titles) > 12 and titles == sorted(titles, key=titles.index)
          and len(set(titles)) >= 4, f"groups: {titles}")
    meaning = described.execute("SELECT description FROM op WHERE name = 'map_sg'").fetchone()[0]
    check(f"map_sg = {meaning}" in facets, "the column op does not say what its values mean")

    # The first screen shows rows.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for view in ("behavior_span?kernel=v6", "behavior", "life_cycle"):
            page.goto(f"http://127.0.0.1:{port}/{name}/{view}")
            top = page.locator("table.rows-and-columns tbody tr").nth(2).bounding_box()["y"]
            check(top < 880, f"{view}: the third row is at {top}")
        browser.close()
finally:
    stop(server)

# Without its settings the large views are shown as the guide says.
server = start(database, "-m", site + "/metadata.yaml")
try:
    for view in ("behavior", "behavior_span", "life_cycle"):
        check("rows-and-columns" in get(f"/{name}/{view}?_nosuggest=1"), f"{view} has no rows")
finally:
    stop(server)
print(f"{version.stdout.strip()}: canned queries, facets and descriptions: ok")
