"""Drives the explorer page in a real headless Chromium, from disk.

Usage: explorer_test.py CHROMIUM EXPLORER DATABASE

Source of the expected answers: the database, by Python's sqlite3. How it looks, and what
is found, copied and printed, has a test of its own.
"""

import pathlib
import sqlite3
import sys
import time

from playwright.sync_api import sync_playwright

chromium, explorer, database = sys.argv[1:4]
url = pathlib.Path(explorer).resolve().as_uri()
matrix = sqlite3.connect(database)

AXES = ["platform", "iommu", "swiotlb", "mem", "mask", "coherent_mask", "bus_limit",
        "coherent", "external", "op", "attrs", "buf"]


def told(kernel, key, columns='result, verdict, decided_by'):
    """What the database says about a scenario."""
    terms = " AND ".join(f"{axis} = ?" for axis in AXES)
    values = [int(v) if a == "mask" else v for a, v in zip(AXES, key.split("/"))]
    return matrix.execute(
        f"SELECT {columns} FROM behavior WHERE kernel = ? AND {terms}",
        [kernel] + values).fetchone()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, offline=True)
    page = context.new_page()
    problems, requests = [], []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))

    def ready():
        page.wait_for_selector("body[data-ready=yes]", timeout=20000)

    def cell(row, mask, side="kernel"):
        return page.locator(f'td.cell[data-row="{row}"][data-mask="{mask}"][data-side="{side}"]')

    started = time.monotonic()
    page.goto(url)
    ready()
    load = time.monotonic() - started

    # The kernel shown first is the latest release of the data, which no script names.
    assert page.locator("#pick-kernel").input_value() == "7.3"
    assert '"7.3"' not in page.locator("script:not([type])").text_content()

    # The grid: every cell of the first view says what the database says.
    count = 0
    for choice in ("all", "grouped"):
        page.select_option("#pick-masks", choice)
        for row in page.locator("table.grid tbody tr").all():
            iommu, swiotlb = row.locator("th").inner_text().split(" ")
            seen = []
            for one in row.locator("td.cell").all():
                first, *last = one.get_attribute("data-column").split("-")
                masks = range(int(first), int((last or [first])[0]) + 1)
                seen += masks
                # Each mask of a group has the group's answer.
                for mask in masks if choice == "grouped" else [m for m in masks if m in (24, 47, 64)]:
                    key = f"x86-sme47/{iommu}/{swiotlb}/64G/{mask}/same/none/1/0/map/none/high"
                    result, verdict, _ = told("7.3", key)
                    label = one.get_attribute("aria-label")
                    assert f": {result}, {verdict}" in label, (label, result, verdict)
                    count += 1
            assert seen == list(range(24, 65)), seen
    assert count >= 400, count
    groups = page.locator("table.grid thead th").all_inner_texts()[1:]
    assert "24-31" in groups and len(groups) < 12, groups

    # Selecting: a cell shows its answer, path, configuration, link and command, in this order.
    cell("passthrough force", 48).click()
    detail = page.locator("#detail").inner_text()
    result, verdict, where = told(
        "7.3", "x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/high")
    for text in (where, verdict, "Decision path", "dmamatrix explain --kernel 7.3"):
        assert text in detail, (text, detail)
    assert page.locator("#detail ol li").count() > 3
    places = [detail.index(text) for text in (verdict, "Decision path", "Answer", "Scenario", "Reproduce")]
    assert places == sorted(places), places
    # The link holds every value, defaults included.
    fields = page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
    assert sorted(fields) == sorted(page.evaluate("Object.keys(DEFAULTS)")), fields
    assert (fields["mask"], fields["swiotlb"], fields["attrs"]) == ("48", "force", "none"), fields

    # Comparing: v6 beside v7; the cells that the database says differ are outlined.
    page.select_option("#pick-masks", "all")
    page.select_option("#pick-kernel", "v6")
    page.select_option("#pick-versus", "v7")
    assert page.locator("table.grid").count() == 2
    outlined = page.locator('td.differs[data-side="kernel"]').count()
    different = matrix.execute(
        """SELECT count(*) FROM behavior a JOIN behavior b ON b.kernel = 'v7'
           AND b.platform = a.platform AND b.iommu = a.iommu AND b.swiotlb = a.swiotlb
           AND b.mem = a.mem AND b.mask = a.mask AND b.coherent_mask = a.coherent_mask
           AND b.bus_limit = a.bus_limit AND b.coherent = a.coherent
           AND b.external = a.external AND b.op = a.op AND b.attrs = a.attrs AND b.buf = a.buf
           WHERE a.kernel = 'v6' AND a.platform = 'x86-sme47' AND a.mem = '64G'
           AND a.coherent_mask = 'same' AND a.bus_limit = 'none' AND a.coherent = '1'
           AND a.external = '0' AND a.op = 'map' AND a.attrs = 'none' AND a.buf = 'high'
           AND (a.result, a.dma, a.enc, a.mem_state, a.pte, a.warn, a.max_map, a.decided_by,
                a.verdict) IS NOT (b.result, b.dma, b.enc, b.mem_state, b.pte, b.warn,
                b.max_map, b.decided_by, b.verdict)""").fetchone()[0]
    assert outlined == different > 0, (outlined, different)
    assert f"{different} scenarios differ" in page.locator("#status").inner_text()
    cell("passthrough force", 64, "versus").click()
    assert "v7 against v6, mask 64" in page.locator("#detail").inner_text()
    # Both answers, column by column, and both rules.
    texts = page.locator("#detail table.answer").first.locator("tbody tr").first.locator("td").all_inner_texts()
    answers = [told(kernel, "x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/high")
               for kernel in ("v7", "v6")]
    assert [text.split("\n")[0] for text in texts] == [answer[0] for answer in answers], texts
    for answer in answers:
        assert answer[2] in page.locator("#detail").inner_text()
    assert page.locator("#detail ol.path .owner").count() > 0
    assert "Link: https://" in page.locator("#detail").inner_text()

    # A deep link opens the same cell in a new page.
    link = page.evaluate("location.href")
    second = context.new_page()
    second.on("pageerror", lambda error: problems.append(str(error)))
    second.goto(link)
    second.wait_for_selector("body[data-ready=yes]")
    assert "v7 against v6, mask 64" in second.locator("#detail").inner_text()
    second.close()

    # The history: back returns to the cell before.
    page.go_back()
    assert "v6 against v7, mask 48" in page.locator("#detail").inner_text()

    # Keyboard: the arrow keys select, Home and End go to the ends.
    page.goto(url + "#mask=32&masks=all")
    page.reload()
    ready()
    page.locator('td[aria-selected="true"]').focus()
    for keys, mask in (("ArrowRight", 33), ("End", 64), ("ArrowLeft", 63), ("Home", 24)):
        page.keyboard.press(keys)
        assert f"7.3, mask {mask}" in page.locator("#detail").inner_text(), keys
        assert page.locator('td[aria-selected="true"]').count() == 1
        assert page.evaluate("document.activeElement.dataset.mask") == str(mask)
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert page.locator("#detail dd").nth(2).inner_text().startswith(
        page.evaluate("document.activeElement.dataset.row").split(" ")[1])

    # Other axes as rows; a row that does not exist is not shown.
    page.select_option("#pick-rows", "platform")
    rows = page.locator("table.grid tbody th").all_inner_texts()
    assert "x86" in rows and "x86-sme47" in rows, rows
    page.select_option("#pick-rows", "kernel")
    assert page.locator("table.grid tbody tr").count() == matrix.execute(
        "SELECT count(*) FROM kernel").fetchone()[0]

    # Kernels or platforms against masks: the columns are the reader's choice.
    page.select_option("#pick-columns", "platform")
    page.select_option("#pick-rows", "mask")
    page.select_option("#pick-columns", "kernel")
    assert page.locator("table.grid thead th").all_inner_texts()[1:] == [
        row[0] for row in matrix.execute("SELECT name FROM kernel ORDER BY id")]
    seen = 0
    for one in page.locator("td.cell").all():
        kernel, mask = one.get_attribute("data-column"), one.get_attribute("data-mask")
        boot = "/".join(page.locator(f"#pick-{axis}").input_value() for axis in ("iommu", "swiotlb"))
        result, verdict, _ = told(
            kernel, f"x86-sme47/{boot}/64G/{mask}/same/none/1/0/map/none/high")
        assert f": {result}, {verdict}" in one.get_attribute("aria-label")
        seen += 1
    assert seen > 20, seen
    page.locator('td.cell[data-column="v6"]').last.click()
    assert page.locator("#detail-title").inner_text().startswith("v6, mask")

    # A circumstance: what is left after the request is what the database says.
    page.goto(url + "#platform=x86-sme47&op=alloc&buf=-&iommu=none&swiotlb=default&mem=2G"
              "&mask=32&masks=all&circumstance=mask_change%3Dup")
    page.reload()
    ready()
    shown = page.locator("#detail").inner_text()
    state, owner, exposed, last = matrix.execute(
        """SELECT state_after, owner_after, exposure_after, mask_last FROM life_cycle
           WHERE kernel = '7.3' AND platform = 'x86-sme47' AND iommu = 'none'
           AND swiotlb = 'default' AND mem = '2G' AND coherent_mask = 'same'
           AND bus_limit = 'none' AND coherent = '1' AND external = '0' AND op = 'alloc'
           AND attrs = 'none' AND mask_change = 'up'
           AND 32 BETWEEN mask_first AND mask_last""").fetchone()
    assert state == "left_shared", state
    for text in (state, owner, exposed, "--mask-change up"):
        assert text in shown, (text, shown)
    assert cell("none default", 32).inner_text().endswith("!")
    if last < 64:
        assert cell("none default", last + 1).inner_text() == "-"
    page.select_option("#pick-circumstance", "ordinary")
    assert not cell("none default", 32).inner_text().endswith("!")

    # Every control has a label; every cell a name.
    unnamed = page.evaluate("""() => [...document.querySelectorAll("select")].filter(
        (s) => !s.labels.length).length + [...document.querySelectorAll("td.cell")].filter(
        (c) => !c.getAttribute("aria-label")).length""")
    assert unnamed == 0, unnamed
    # What a link names and the file does not hold is said, and no other cell shown for
    # it; choosing values that exist leads on.
    page.goto(url + "#kernel=v9&platform=foo&mask=999&color=red")
    page.reload()
    ready()
    told_unknown = page.locator("#grids").inner_text()
    for text in ('no kernel "v9"', 'no platform "foo"', 'no mask "999"', '"color"'):
        assert text in told_unknown, (text, told_unknown)
    assert page.locator("td.cell").count() == 0
    assert "v9" in page.evaluate("location.hash")
    page.select_option("#pick-kernel", "v6")
    assert 'no platform "foo"' in page.locator("#grids").inner_text()
    page.select_option("#pick-platform", "sev")
    assert "v9" not in page.evaluate("location.hash")

    # Hostile fragments are text, never markup.
    page.goto(url + "#platform=%3Cimg%20src=x%20onerror=alert(1)%3E&rows=__proto__")
    page.reload()
    ready()
    assert page.locator("td.cell").count() == 0
    assert "onerror" in page.locator("#grids").inner_text()
    assert page.locator("img").count() == 0

    # A view without a cell says which rule excludes it, as the model's list has it.
    descriptions = dict(matrix.execute("SELECT name, description FROM exclusion_rule"))
    for fragment, rule in (
            ("platform=s390&op=alloc&buf=high", "alloc-has-no-buffer"),
            ("platform=x86&coherent=0", "noncoherent-is-arm64"),
            ("kernel=6.1&attrs=cc_shared", "attribute-unknown"),
            ("platform=ppc64&iommu=translated&rows=buf&mask=64", "ppc64-no-iommu"),
            ("mem=2G", "buffer-not-in-ram")):
        page.goto(url + "#" + fragment)
        page.reload()
        ready()
        shown = page.locator("#grids").inner_text() + page.locator("#detail").inner_text()
        assert f"{rule}: {descriptions[rule]}" in shown, (fragment, shown)

    assert problems == [], problems
    assert all(request.startswith("file:") or request.startswith("data:") for request in requests)
    version = browser.version
    browser.close()

size = pathlib.Path(explorer).stat().st_size
assert size < 1_000_000, size
print(f"Chromium {version}: explorer of {size} bytes, shown after {load:.2f} s: ok")
