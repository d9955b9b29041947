"""How the explorer looks and what it finds, in a real headless Chromium, from disk.

Usage: explorer_look_test.py CHROMIUM EXPLORER DATABASE MIXED [SCREENSHOTS]

EXPLORER was made of DATABASE, MIXED of a database with an alternative, a stored kernel
tree and drivers. Sources of the expected answers: the database by Python's sqlite3, the
rules of axe-core, WCAG 2.2 for contrast (1.4.3) and the size of targets (2.5.8). With a
directory SCREENSHOTS, pictures are left there.
"""

import csv
import io
import pathlib
import sqlite3
import sys
import time

from axe_core_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

chromium, explorer, database, mixed = sys.argv[1:5]
pictures = sys.argv[5] if len(sys.argv) > 5 else None
matrix = sqlite3.connect(database)
problems = []

COMPARED = "#kernel=v6&versus=v7&mask=64"

LIGHT = """const part = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };"""

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

    def opened(fragment, width=1440, height=900, scheme="light", file=explorer, **more):
        context = browser.new_context(viewport={"width": width, "height": height},
                                      color_scheme=scheme, offline=True, **more)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(pathlib.Path(file).resolve().as_uri() + fragment)
        page.wait_for_selector("body[data-ready=yes]", timeout=30000)
        return page

    def boxes(page, selector):
        return page.evaluate("""(selector) => [...document.querySelectorAll(selector)].map((node) => {
            const box = node.getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom]; })""", selector)

    def until(page, expression):
        """Waits until the page says so. wait_for_function evaluates strings in the page
        when it asks again, which the explorer's content security policy forbids."""
        end = time.monotonic() + 30
        while not page.evaluate(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.02)

    def picture(page, name):
        if pictures:
            page.screenshot(path=f"{pictures}/explorer-{name}.png")

    def check(page, name):
        """Nothing but the grids scrolls sideways, and axe finds nothing."""
        picture(page, name)
        overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, (name, overflow)
        found = Axe().run(page)["violations"]
        assert found == [], (name, [(v["id"], v["nodes"][0]["target"]) for v in found])

    # Two kernels side by side, both answers and the whole path, without scrolling.
    for name, width, height, fragment in (
            ("compared", 1440, 900, COMPARED), ("wide", 1920, 1000, COMPARED + "&masks=all")):
        page = opened(fragment, width, height)
        check(page, name)
        one, two = boxes(page, "table.grid")
        assert one[1] == two[1] and one[2] < two[0], (name, one, two)
        detail = boxes(page, "#detail")[0]
        assert two[2] <= detail[0], (name, two, detail)
        if name == "compared":
            assert boxes(page, "#detail ol.path")[0][3] <= height
        page.context.close()
    page = opened("#mask=64")
    check(page, "desktop")
    assert boxes(page, "#detail ol.path")[0][3] <= 900
    # What is said in words needs no pointer.
    assert page.locator("[title]").count() == 0
    for axis in ("platform", "op", "buf"):
        meaning = matrix.execute(f"SELECT description FROM {axis} WHERE name = ?",
                                 [page.locator(f"#pick-{axis}").input_value()]).fetchone()[0]
        assert page.locator(f"#about-{axis}").inner_text() == meaning
    assert "swiotlb=noforce: no pool at all" in page.locator("#names").inner_text()
    assert "bounced: the device reaches a copy" in page.locator("#legend").inner_text()
    page.context.close()

    # A phone: the first grid at once, targets of 24 pixels, both grids scroll together.
    page = opened(COMPARED + "&masks=all", 390, 844, has_touch=True)
    check(page, "phone")
    first = boxes(page, "table.grid")[0]
    assert first[1] < 300 and first[3] <= 844, first
    small = page.evaluate("""() => [...document.querySelectorAll("td.cell, button, select, input, summary, a")]
        .filter((node) => node.checkVisibility() && node.className !== "skip")
        .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)""")
    assert small == [], small[:5]
    page.evaluate("document.querySelectorAll('.scroll')[0].scrollLeft = 200")
    until(page, "document.querySelectorAll('.scroll')[1].scrollLeft === 200")
    page.locator("#choices summary").click()
    check(page, "phone-choices")
    page.context.close()

    # Dark: no cell glares, and every sign can be read; light: the same contrast.
    for scheme in ("dark", "light"):
        page = opened(COMPARED, scheme=scheme)
        check(page, scheme)
        seen = page.evaluate("() => {" + LIGHT + """
            return [...document.querySelectorAll("#legend .sign")].filter((node) => node.className !== "sign ")
              .map((node) => { const style = getComputedStyle(node);
                return [node.className, light(style.color), light(style.backgroundColor)]; }); }""")
        assert len(seen) == 6, seen
        for sign, text, ground in seen:
            low, high = sorted((text, ground))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (scheme, sign)
            assert scheme == "light" or ground < 0.2, (sign, ground)
        page.context.close()

    # Print: the whole grid on A4, with its platform and kernels; nothing to press.
    page = opened(COMPARED + "&masks=all", scheme="dark")
    page.emulate_media(media="print")
    # 277 mm of 297, at 96 pixels an inch.
    page.set_viewport_size({"width": 1046, "height": 717})
    for box in boxes(page, "table.grid"):
        assert box[0] >= 0 and box[2] <= 1046, box
    printed = page.locator("#printed").inner_text()
    assert printed.startswith("v6 against v7, x86-sme47"), printed
    assert page.locator("#grids h2").all_inner_texts() == ["v6 on x86-sme47", "v7 on x86-sme47"]
    for hidden in ("#controls", "#search", "#copies", "#findings"):
        assert not page.locator(hidden).is_visible(), hidden
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    if pictures:
        page.pdf(path=f"{pictures}/explorer.pdf", prefer_css_page_size=True, print_background=True)
    page.context.close()

    # What is seen, as CSV and as text for a mail; the command and the link.
    page = opened(COMPARED)

    def copied(label):
        page.get_by_role("button", name=label, exact=True).first.click()
        until(page, f"document.getElementById('copied').textContent === '{label}: done.'")
        return page.evaluate("navigator.clipboard.readText()")

    rows = list(csv.DictReader(io.StringIO(copied("Copy as CSV"))))
    assert {row["kernel"] for row in rows} == {"v6", "v7"} and len(rows) > 40
    AXES = ["platform", "iommu", "swiotlb", "mem", "coherent_mask", "bus_limit", "coherent",
            "external", "op", "attrs", "buf"]
    for row in rows:
        terms = " AND ".join(f"{axis} = ?" for axis in AXES)
        told = matrix.execute(
            f"""SELECT DISTINCT result, verdict, decided_by FROM behavior WHERE kernel = ?
            AND mask BETWEEN ? AND ? AND {terms}""",
            [row["kernel"], int(row["mask_first"]), int(row["mask_last"])]
            + [row[axis] for axis in AXES]).fetchall()
        assert told == [(row["result"], row["verdict"], row["decided_by"])], (row, told)
    with page.expect_download() as saved:
        page.locator("#save-csv").click()
    assert saved.value.suggested_filename == "dmamatrix.csv"
    assert len(list(csv.DictReader(open(saved.value.path())))) == len(rows)
    text = copied("Copy as text")
    assert text.isascii() and max(map(len, text.split("\n"))) <= 72, text
    assert "v6 against v7, x86-sme47" in text and "48-64" in text and "x refused" in text, text
    assert copied("Copy the command").startswith("dmamatrix explain --kernel v6,v7")
    link = copied("Copy the link")
    assert link.split("#")[0] == page.url.split("#")[0] and "versus=v7" in link, link
    page.context.close()

    # Findings: by cause and severity, ten at a time, with filters; each leads to its cell.
    page = opened("#kernel=v6")
    causes = page.locator("#findings details.cause")
    assert 0 < causes.count() <= 10
    order = [name for (name,) in [(text,) for text in page.locator("#findings .severity").all_inner_texts()]]
    ranks = page.evaluate("matrix.severities.map((value) => value.name)")
    assert [ranks.index(name) for name in order] == sorted(ranks.index(name) for name in order), order
    before = causes.count()
    page.locator("#more-causes").click()
    assert before < causes.count() <= before + 10
    page.select_option("#pick-severity", "breaks")
    assert set(page.locator("#findings .severity").all_inner_texts()) == {"breaks"}
    assert "severity=breaks" in page.url
    page.fill("#find-cause", "no such words")
    assert "No finding passes" in page.locator("#findings-count").inner_text()
    page.fill("#find-cause", "")
    causes.first.locator("summary").click()
    check(page, "findings")
    witness = causes.first.locator("a").first.inner_text()
    causes.first.locator("a").first.click()
    page.wait_for_selector("td[aria-selected=true]")
    key = witness.split(";")[0].split("/")
    decided = matrix.execute(
        """SELECT decided_by FROM behavior WHERE kernel = 'v6' AND platform = ? AND iommu = ?
        AND swiotlb = ? AND mem = ? AND mask = ? AND coherent_mask = ? AND bus_limit = ?
        AND coherent = ? AND external = ? AND op = ? AND attrs = ? AND buf = ?""",
        [int(word) if place == 4 else word for place, word in enumerate(key)]).fetchone()[0]
    assert decided in page.locator("#detail").inner_text()
    assert witness in page.locator("#detail").inner_text()

    # Search: platform, function, finding, scenario; nothing found is said.
    def found(words, result):
        page.fill("#search", words)
        box = page.locator("#search-results")
        if result is None:
            return box.inner_text()
        box.get_by_role("button").filter(has_text=result).first.click()
        assert not box.is_visible()
        return page.locator("#detail").inner_text()

    assert "Nothing here is called" in found("zebra", None)
    assert "has no drivers" in page.locator("#search-results").inner_text()
    found("tdx", "Platform: tdx")
    assert page.locator("#pick-platform").input_value() == "tdx"
    found("dma_capable", "decided by swiotlb_map: slot is dma_capable")
    assert "swiotlb_map: slot is dma_capable" in page.locator("#detail .rule").first.inner_text()
    key = "sev/none/default/2G/33/same/none/1/0/map/none/low"
    assert key in found("v7 " + key, key)
    assert page.locator("#pick-kernel").input_value() == "v7"
    found("garbled", "v6:") if page.locator("#search-results").is_visible() else None
    page.fill("#search", "corrupts garbled")
    check(page, "search")
    page.locator("#search-results").get_by_role("button").first.click()
    assert page.locator("details.cause[open]").count() == 1
    # Words that are markup stay words.
    assert "<img" in found("<img src=x>", None) and page.locator("img").count() == 0
    page.context.close()

    # Alternatives, stored trees and drivers are there where the database has them.
    page = opened("#platform=x86-sme47", file=mixed)
    groups = page.locator("#pick-kernel optgroup").evaluate_all("(all) => all.map((one) => one.label)")
    assert {"Alternatives", "Kernel trees and policy files"} <= set(groups), groups
    for group in ("Alternatives", "Kernel trees and policy files"):
        name = page.locator(f'#pick-kernel optgroup[label="{group}"] option').first.get_attribute("value")
        page.select_option("#pick-kernel", name)
        page.locator("td.cell:not(.none)").first.click()
        assert page.locator("#detail-title").inner_text().startswith(name)
        assert page.locator("#detail p.verdict").count() == 1
        if group != "Alternatives":
            assert "path is not recorded for " + name in page.locator("#detail").inner_text()
            assert "Not asked of " + name in page.locator("#findings-count").inner_text()
    page.fill("#search", "net/c.c")
    page.locator("#search-results").get_by_role("button").first.click()
    assert "mask 40" in page.locator("#detail-title").inner_text()
    page.context.close()

    assert problems == [], problems
    browser.close()

print("explorer: layout, print, dark, search, findings, axe: ok")
