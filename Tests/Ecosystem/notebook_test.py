"""Runs the notebook of the guide, as Jupyter does, beside a database.

Usage: notebook_test.py NOTEBOOK DATABASE

Checked in it has no outputs, which would be of one machine and of an older model.
Source of the expected counts: the spans of the database, by Python's sqlite3.
"""

import json
import shutil
import sqlite3
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

path, database = sys.argv[1:3]
notebook = nbformat.read(path, as_version=4)
nbformat.validate(notebook)
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
assert cells and any("plt.show()" in cell.source for cell in cells), "nothing is drawn"
for cell in cells:
    assert not cell.outputs and cell.execution_count is None, f"{cell.id} has outputs"

# What the notebook counted, by its own names.
notebook.cells.append(nbformat.v4.new_code_cell(
    "import json\n"
    "print(json.dumps({'verdicts': verdicts.to_dict('index'), 'spans': len(spans),\n"
    "                  'change': both.groupby('verdict')['change'].sum().to_dict()},\n"
    "                 default=int))"))
with tempfile.TemporaryDirectory() as directory:
    shutil.copy(database, directory + "/matrix.db")
    NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": directory}},
        extra_arguments=["--log-level=40"]).execute()
counted = json.loads(notebook.cells[-1].outputs[0].text)

connection = sqlite3.connect(database)


def counts(condition):
    return connection.execute(
        "SELECT kernel, verdict, sum(mask_last - mask_first + 1) FROM behavior_span "
        f"WHERE {condition} GROUP BY 1, 2").fetchall()


seen = {(kernel, verdict): count for kernel, row in counted["verdicts"].items()
        for verdict, count in row.items() if count}
expected = {(kernel, verdict): count for kernel, verdict, count in counts("1")}
assert seen == expected, f"verdicts: {seen}, not {expected}"
change = {}
for kernel, verdict, count in counts("platform = 'sev' AND kernel IN ('7.2', '7.3')"):
    change[verdict] = change.get(verdict, 0) + (count if kernel == "7.3" else -count)
assert counted["change"] == change and any(change.values()), f"{counted['change']}, not {change}"
platforms = connection.execute("SELECT count(*) FROM platform").fetchone()[0]
assert counted["spans"] >= platforms - 1, f"{counted['spans']} spans"

pictures = 0
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        assert output.output_type != "error", output
        assert output.get("name") != "stderr", f"{cell.id}: {output.text}"
        pictures += "image/png" in output.get("data", {})
assert pictures == 2, f"{pictures} pictures"
print(f"notebook: {len(cells)} cells, {pictures} pictures: ok")
