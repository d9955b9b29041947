// What is seen, as CSV and as text; and buttons that copy.

// Copies a text; where the browser has no clipboard for the page, by a selection.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { class: "skip", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

// A button that copies what a function gives, and says that it did.
function copyButton(label, text) {
  const button = element("button", { type: "button", class: "copy", onclick: async () => {
    const isCopied = await copy(text());
    byId("copied").textContent = isCopied ? `${label}: done.` : `${label}: the browser does not allow it.`;
    button.textContent = isCopied ? "Copied" : "Not copied";
    button.focus();
    setTimeout(() => { button.textContent = label; }, 2000);
  } }, label);
  return button;
}

const linkOfView = () => location.href.split("#")[0] + fragmentOf(state);

// The cells of the grids, row by row.
function cellsSeen() {
  return shown.kernels.flatMap((kernel) => shown.rows.flatMap((row) => shown.columns.map((column) => {
    const at = shown.stateAt(row, column);
    const group = column.group || row.group || [Number(at.mask)];
    return { at: at, kernel: kernel || at.kernel, masks: [group[0], group[group.length - 1]],
      answer: shown.answer(kernel, row, column) };
  })));
}

// Every cell that is seen with its scenario and its whole answer.
function csvOfView() {
  const axes = KEY_ORDER.filter((axis) => axis !== "mask");
  const field = (value) => /^[\w.:;+-]*$/.test(value) ? value : `"${value.replace(/"/g, '""')}"`;
  const columns = matrix.outcomeColumns.map((name) => name === "where" ? "decided_by" : name);
  const lines = [["kernel"].concat(axes, ["circumstance", "mask_first", "mask_last"], columns).join()];
  for (const cell of cellsSeen().filter((cell) => cell.answer)) {
    lines.push([cell.kernel].concat(axes.map((axis) => cell.at[axis]), [cell.at.circumstance],
      cell.masks.map(String), matrix.outcomeColumns.map((name) => cell.answer[name])).map(field).join());
  }
  return lines.join("\r\n") + "\r\n";
}

const ascii = (text) => text.replace(/\u00d7/g, "x").replace(/[^\x20-\x7e]/g,
  (character) => `\\u{${character.codePointAt(0).toString(16)}}`);

// Words in lines of at most 72 columns.
function folded(text) {
  return text.split(" ").reduce((lines, word) => {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + word.length + 1 > 72) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : last + " " + word;
    return lines;
  }, [""]);
}

// The grids for a mail: ASCII, at most 72 columns, wide ones in blocks.
function textOfView() {
  const lines = folded(ascii(sentenceOfView()));
  const seen = new Map();
  const head = Math.min(30, Math.max(4, ...shown.rows.map((row) => ascii(row.name).length)));
  for (const kernel of shown.kernels) {
    lines.push("", ...(kernel ? [ascii(kernel), ""] : []));
    const columns = shown.columns.map((column) => {
      const signs = shown.rows.map((row) => {
        const answer = shown.answer(kernel, row, column);
        if (answer) seen.set(matrix.signs.get(answer.verdict), answer.verdict);
        return answer ? sign(answer) : "-";
      });
      const name = ascii(column.name);
      return { name: name, signs: signs, width: Math.max(name.length, ...signs.map((text) => text.length)) };
    });
    while (columns.length > 0) {
      let width = head;
      const block = [];
      while (columns.length > 0 && (block.length === 0 || width + 1 + columns[0].width <= 72)) {
        width += 1 + columns[0].width;
        block.push(columns.shift());
      }
      const line = (name, cells) => [ascii(name).slice(0, head).padEnd(head)].concat(
        cells.map((text, index) => text.padEnd(block[index].width))).join(" ").trimEnd();
      lines.push(line("", block.map((column) => column.name)));
      shown.rows.forEach((row, index) => lines.push(line(row.name, block.map((column) => column.signs[index]))));
      if (columns.length > 0) lines.push("");
    }
  }
  lines.push("", ...folded([...seen].map(([mark, verdict]) => `${mark} ${verdict}`).concat(
    "* decrypted in DRAM or visible to the host", "! not as it was after the end",
    "- no such scenario").join(", ")));
  lines.push(...folded(ascii(`dmamatrix ${matrix.tool}, model ${matrix.digest.slice(0, 16)}`)));
  return lines.join("\n") + "\n";
}

function drawCopies() {
  const save = element("button", { type: "button", id: "save-csv", onclick: () => {
    const file = URL.createObjectURL(new Blob([csvOfView()], { type: "text/csv" }));
    const link = element("a", { href: file, download: "dmamatrix.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(file), 1000);
  } }, "Save as CSV");
  byId("copies").replaceChildren(copyButton("Copy as text", textOfView),
    copyButton("Copy as CSV", csvOfView), save, copyButton("Copy the link", linkOfView),
    element("button", { type: "button", onclick: () => window.print() }, "Print"));
}
