"""The marks of real drivers in the explorer, in a real headless Chromium.

Usage: drivers_test.py CHROMIUM WITHOUT WITH

WITH was made of a database with a tree of three drivers: two set 64 bits, one 40.
"""

import pathlib
import sys

from playwright.sync_api import sync_playwright

chromium, without, marked = sys.argv[1:4]

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_context(offline=True).new_page()
    problems = []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    def shown(file, fragment=""):
        page.goto("about:blank")
        page.goto(pathlib.Path(file).resolve().as_uri() + fragment)
        page.wait_for_selector("body[data-ready=yes]", timeout=20000)

    # Without drivers nothing speaks of them, and a link that does is told so.
    shown(without)
    assert page.locator("tr.drivers").count() == 0
    assert page.locator("#pick-weight").count() == 0
    shown(without, "#kernel=7.3&weight=drivers")
    assert 'no weight "drivers"' in page.locator("#grids").text_content()

    shown(marked, "#masks=all")
    row = page.locator("tr.drivers").first
    masks = [int(text) for text in
             page.locator("table.grid thead tr").first.locator("th").all_text_contents()[1:]]
    counts = row.locator("td").all_text_contents()
    assert {m: c for m, c in zip(masks, counts) if c} == {40: "1", 64: "2"}, counts
    assert "3 files of 7.3" in page.locator("#legend").text_content()

    # Two kernels: each cell that differs counts once for each driver of its column.
    view = "#kernel=6.12&versus=7.3&platform=x86-sme47&masks=all"
    shown(marked, view)
    cells = page.locator('td.differs[data-side="kernel"]')
    assert f"{cells.count()} scenarios differ between 6.12 and 7.3" in page.locator("#status").text_content()
    weighted = sum({40: 1, 64: 2}.get(int(cell.get_attribute("data-mask")), 0) for cell in cells.all())
    assert 0 < weighted != cells.count()
    page.locator("#pick-weight").select_option("drivers")
    assert f"{weighted} times a driver of 7.3" in page.locator("#status").text_content()
    assert "weight=drivers" in page.url
    assert problems == [], problems
    browser.close()

print("explorer with drivers: ok")
