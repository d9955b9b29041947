"""Drives the explorer page in a real headless Chromium, from disk.

Usage: explorer_test.py CHROMIUM EXPLORER DATABASE [SCREENSHOTS]

Source of the expected answers: the database, by Python's sqlite3. With a
directory SCREENSHOTS, pictures at desktop and narrow width are left there.
"""

import pathlib
import sqlite3
import sys
import time

from playwright.sync_api import sync_playwright

chromium, explorer, database = sys.argv[1:4]
pictures = sys.argv[4] if len(sys.argv) > 4 else None
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
    for row in page.locator("table.grid tbody tr").all():
        iommu, swiotlb = row.locator("th").inner_text().split(" ")
        for mask in (24, 32, 47, 48, 64):
            key = f"x86-sme47/{iommu}/{swiotlb}/64G/{mask}/same/none/1/0/map/none/high"
            result, verdict, _ = told("7.3", key)
            label = row.locator(f'td[data-mask="{mask}"]').get_attribute("aria-label")
            assert f": {result}, {verdict}" in label, (label, result, verdict)
            count += 1
    assert count >= 40, count

    # Selecting: a cell shows its configuration, answer, path, link and command.
    cell("passthrough force", 64).click()
    detail = page.locator("#detail").inner_text()
    result, verdict, where = told(
        "7.3", "x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/high")
    for text in (where, verdict, "Decision path", "dmamatrix explain --kernel 7.3"):
        assert text in detail, (text, detail)
    assert page.locator("#detail ol li").count() > 3
    assert "mask=64" in page.evaluate("location.hash")

    # Comparing: v6 beside v7; the cells that the database says differ are outlined.
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
    assert f"{different} cells differ" in page.locator("#status").inner_text()
    cell("passthrough force", 64, "versus").click()
    assert "v7, mask 64" in page.locator("#detail").inner_text()
    assert "Link: https://" in page.locator("#detail").inner_text()
    if pictures:
        page.screenshot(path=f"{pictures}/explorer-desktop.png", full_page=True)

    # A deep link opens the same cell in a new page.
    link = page.evaluate("location.href")
    second = context.new_page()
    second.on("pageerror", lambda error: problems.append(str(error)))
    second.goto(link)
    second.wait_for_selector("body[data-ready=yes]")
    assert "v7, mask 64" in second.locator("#detail").inner_text()
    second.close()

    # The history: back returns to the cell before.
    page.go_back()
    assert "v6, mask 64" in page.locator("#detail").inner_text()

    # Keyboard: arrows move, Enter selects, Home and End go to the ends.
    page.goto(url + "#mask=32")
    page.reload()
    ready()
    page.locator('td[aria-selected="true"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert "7.3, mask 33" in page.locator("#detail").inner_text()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert "7.3, mask 64" in page.locator("#detail").inner_text()
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    assert page.evaluate("document.activeElement.dataset.mask") == "64"

    # Other axes as rows; a row that does not exist is not shown.
    page.select_option("#pick-rows", "platform")
    rows = page.locator("table.grid tbody th").all_inner_texts()
    assert "x86" in rows and "x86-sme47" in rows, rows
    page.select_option("#pick-rows", "kernel")
    assert page.locator("table.grid tbody tr").count() == matrix.execute(
        "SELECT count(*) FROM kernel").fetchone()[0]

    # A circumstance: what is left after the request is what the database says.
    page.goto(url + "#platform=x86-sme47&op=alloc&buf=-&iommu=none&swiotlb=default&mem=2G"
              "&mask=32&circumstance=mask_change%3Dup")
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

    # Findings lead to their cells.
    page.locator("#findings summary").nth(4).click()
    link = page.locator("#findings details[open] a").first
    witness = link.inner_text()
    link.click()
    page.wait_for_selector("td[aria-selected=true]")
    kernel = page.locator("#pick-kernel").input_value()
    assert told(kernel, witness)[2] in page.locator("#detail").inner_text()

    # Every control has a label; every cell a name; contrast of the cells' colours.
    unnamed = page.evaluate("""() => [...document.querySelectorAll("select")].filter(
        (s) => !s.labels.length).length + [...document.querySelectorAll("td.cell")].filter(
        (c) => !c.getAttribute("aria-label")).length""")
    assert unnamed == 0, unnamed
    low = page.evaluate("""() => {
      const part = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
      const light = (text) => { const [r, g, b] = text.match(/\\d+/g).map(Number);
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
      return [...document.querySelectorAll("#legend .sign")].filter((sign) => {
        const style = getComputedStyle(sign);
        const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05) < 4.5; }).map((sign) => sign.className); }""")
    assert low == [], low

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

    # Narrow: nothing but the grids scrolls sideways; dark mode.
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(url + "#kernel=v6&mask=64")
    page.reload()
    ready()
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, overflow
    if pictures:
        page.screenshot(path=f"{pictures}/explorer-narrow.png", full_page=True)

    assert problems == [], problems
    assert all(request.startswith("file:") or request.startswith("data:") for request in requests)
    version = browser.version
    browser.close()

size = pathlib.Path(explorer).stat().st_size
assert size < 5 << 20, size
print(f"Chromium {version}: explorer of {size} bytes, shown after {load:.2f} s: ok")
