// The grids: one, or two that are compared, with what they leave out.

let shown = null;

function drawGrids() {
  shown = view();
  if (shown.kernels.length === 1) state.side = "kernel";
  const grids = byId("grids");
  let count = 0;
  const nodes = shown.kernels.map((kernel, index) => {
    const other = shown.kernels.length === 2 ? shown.kernels[1 - index] : "";
    const drawn = drawGrid(kernel, other, index === 0 ? "kernel" : "versus");
    if (index === 0) count = drawn.count;
    return drawn.node;
  });
  grids.replaceChildren(...nodes);
  grids.className = (nodes.length === 2 ? "two" : "one") + (state.masks === "all" ? " fine" : "");
  for (const table of grids.querySelectorAll("table.grid")) {
    const start = table.querySelector("[aria-selected]") || table.querySelector("td.cell");
    if (start) start.tabIndex = 0;
  }
  scrollTogether([...grids.querySelectorAll(".scroll")]);
  drawNames();
  byId("status").textContent = shown.kernels.length === 2
    ? `${differing(count)} between ${shown.kernels.join(" and ")}.` : "";
  byId("printed").textContent = sentenceOfView() + ".";
}

// Two grids show the same columns.
function scrollTogether(boxes) {
  for (const box of boxes) {
    box.addEventListener("scroll", () => {
      for (const other of boxes) {
        if (other !== box && other.scrollLeft !== box.scrollLeft) other.scrollLeft = box.scrollLeft;
      }
    });
  }
}

const edgeName = (edge) => state[edge].split(",").map((axis) => LABELS[axis]).join(", ");

function drawGrid(kernel, other, side) {
  const about = (kernel || "Every kernel")
    + (varies("platform") ? ", every platform" : " on " + state.platform);
  const table = element("table", { class: "grid", role: "grid",
    "aria-label": `${about}: verdict by ${edgeName("rows")} and ${edgeName("columns")}` });
  const head = element("tr", {}, element("th", { scope: "col" },
    `${edgeName("rows")} \\ ${edgeName("columns")}`));
  for (const column of shown.columns) head.append(element("th", { scope: "col" }, column.name));
  table.append(element("thead", {}, head, ...driverRow(shown.columns)));
  const body = element("tbody");
  let count = 0;
  for (const row of shown.rows) {
    const line = element("tr", {}, element("th", { scope: "row" }, row.name));
    for (const column of shown.columns) {
      const drawn = drawCell(kernel, other, side, row, column);
      if (drawn.differs) count += weightOf(column.group || row.group || [Number(state.mask)]);
      line.append(drawn.cell);
    }
    body.append(line);
  }
  table.append(body);
  const node = element("section", {}, element("h2", {}, about));
  if (shown.rows.length > 0) node.append(element("div", { class: "scroll" }, table));
  else node.append(...reasons(kernel));
  return { node: node, count: count };
}

// Why a view is empty: each reason once.
function reasons(kernel) {
  const texts = new Set();
  for (const row of shown.anyRow) {
    for (const column of shown.anyColumn) {
      const at = shown.stateAt(row, column);
      texts.add(whyEmpty(at, kernel || at.kernel));
    }
  }
  return [...texts].slice(0, 12).map((text) => element("p", { class: "why" }, text));
}

function drawCell(kernel, other, side, row, column) {
  const at = shown.stateAt(row, column);
  const own = kernel || at.kernel;
  const answer = shown.answer(kernel, row, column);
  const group = column.group || row.group;
  const where = `${row.name}, ${column.group ? "mask " : ""}${column.name}`;
  const cell = element("td", { role: "gridcell", tabindex: "-1", "data-row": row.name,
    "data-column": column.name, "data-mask": group ? group[0] : state.mask, "data-side": side });
  let differs = false;
  if (answer) {
    const theirs = other ? shown.answer(other, row, column) : null;
    differs = other !== "" && (!theirs || theirs.outcome !== answer.outcome);
    cell.className = "cell " + answer.verdict + (differs ? " differs" : "");
    cell.textContent = sign(answer);
    cell.setAttribute("aria-label", `${own}, ${where}: ${answer.result}, ${answer.verdict}`
      + (answer.exposure === "none" ? "" : ", " + answer.exposure)
      + (endsBadly(answer) ? ", does not go back as it was" : "")
      + (differs ? `, differs from ${other}` : ""));
  } else {
    const theirs = other ? shown.answer(other, row, column) : null;
    differs = false;
    cell.className = "cell none" + (theirs ? " differs" : "");
    cell.textContent = "-";
    cell.setAttribute("aria-label", `${own}, ${where}: does not exist`);
  }
  if (isSelected(row, column, side)) cell.setAttribute("aria-selected", "true");
  return { cell: cell, differs: differs };
}

const isSelected = (row, column, side) => state.mask !== "" && side === state.side
  && holds(row, state) && holds(column, state);

// What the names along the edges mean, and which rows do not exist and why.
function drawNames() {
  const parts = [];
  for (const axis of edges().filter((axis) => axis !== "mask")) {
    const places = shown.rows.concat(shown.columns).filter((place) => axis in place.values);
    const names = [...new Set(places.map((place) => place.values[axis]))];
    if (names.length === 0) continue;
    parts.push(element("h3", {}, LABELS[axis]), element("dl", {}, ...names.flatMap((name) =>
      [element("dt", {}, name), element("dd", {}, meaningOf(axis, name))])));
  }
  if (shown.absent.length > 0 && shown.rows.length > 0) {
    const whys = new Map();
    for (const row of shown.absent) {
      const at = shown.stateAt(row, shown.anyColumn[0]);
      const why = whyEmpty(at, shown.kernels[0] || at.kernel);
      whys.set(why, (whys.get(why) || []).concat(row.name));
    }
    parts.push(element("h3", {}, "Rows that are left out"), element("ul", {},
      ...[...whys].map(([why, names]) => element("li", {}, `${names.join(", ")}: ${why}`))));
  }
  byId("names").replaceChildren(...parts);
}

// Takes the cell that an element of the page is.
function stateOfCell(cell) {
  const row = shown.rows.find((place) => place.name === cell.dataset.row);
  const column = shown.columns.find((place) => place.name === cell.dataset.column);
  const next = shown.stateAt(row, column);
  const group = column.group || row.group;
  // A group keeps the mask that the reader came with.
  if (group && group.includes(Number(state.mask))) next.mask = state.mask;
  next.side = cell.dataset.side;
  return next;
}

// Selects a cell; the arrow keys leave one entry of the history for a walk.
function select(cell, replaces) {
  unknown = [];
  state = stateOfCell(cell);
  for (const old of byId("grids").querySelectorAll("[aria-selected]")) old.removeAttribute("aria-selected");
  cell.setAttribute("aria-selected", "true");
  for (const old of cell.closest("table").querySelectorAll('td[tabindex="0"]')) old.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
  keep(replaces);
  drawControls();
  drawDetail();
}

function move(cell, rows, columns) {
  const lines = [...cell.closest("tbody").rows];
  const line = lines[Math.max(0, Math.min(lines.length - 1, lines.indexOf(cell.parentNode) + rows))];
  const cells = [...line.querySelectorAll("td.cell")];
  const own = [...cell.parentNode.querySelectorAll("td.cell")].indexOf(cell);
  const target = cells[Math.max(0, Math.min(cells.length - 1, own + columns))];
  if (target) select(target, true);
}

function onKey(event) {
  const cell = event.target.closest("td.cell");
  if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
  const far = shown.columns.length;
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
    Home: [0, -far], End: [0, far], PageUp: [-999, 0], PageDown: [999, 0] };
  if (moves[event.key]) move(cell, ...moves[event.key]);
  else if (event.key === "Enter" || event.key === " ") select(cell, true);
  else return;
  event.preventDefault();
}
