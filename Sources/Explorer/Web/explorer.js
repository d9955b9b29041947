// The page: controls, grids, the selected cell, findings.

const LABELS = { kernel: "Kernel", versus: "Compare with", platform: "Platform", op: "Operation",
  attrs: "Attributes", buf: "Buffer", iommu: "IOMMU", swiotlb: "swiotlb=", mem: "RAM",
  coherent_mask: "Coherent mask", bus_limit: "Bus limit", coherent: "Cache-coherent",
  external: "Untrusted", rows: "Rows", circumstance: "Circumstance", weight: "Count" };

let matrix = null;
let state = null;
// What the fragment has that this file does not, in sentences.
let unknown = [];

const byId = (id) => document.getElementById(id);

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// The values that a field of the state may have.
function valuesOf(key) {
  const names = (list) => list.map((value) => value.name);
  switch (key) {
    case "kernel": return names(matrix.kernels);
    case "versus": return [""].concat(names(matrix.kernels));
    case "circumstance": return names(matrix.circumstances);
    case "side": return ["kernel", "versus"];
    case "weight": return hasDrivers() ? ["cells", "drivers"] : ["cells"];
    case "rows": return rowChoices().map((choice) => choice[0]);
    case "mask": return [""].concat(matrix.masks.map(String));
    default: return names(matrix.axes[key]);
  }
}

// Takes a state from the fragment; what it names and this file does not hold is said
// and nothing is shown for it, for another cell would pass for the one that was meant.
function readFragment() {
  const read = parseState(location.hash);
  state = read.state;
  for (const key of Object.keys(DEFAULTS)) {
    const values = valuesOf(key);
    if (!read.named.has(key) && !values.includes(state[key])) state[key] = values[values.length - 1];
  }
  if (!read.named.has("buf")) chooseBuffer();
  findUnknown();
  unknown.push(...read.strange.map((key) => `The link's field "${key}" is unknown.`));
}

function findUnknown() {
  unknown = Object.keys(DEFAULTS).filter((key) => !valuesOf(key).includes(state[key]))
    .map((key) => `This file has no ${key.replace("_", " ")} "${state[key]}"; it has `
      + valuesOf(key).filter((value) => value !== "").join(", ") + ".");
}

// Allocations have no buffer, mappings have one.
function chooseBuffer() {
  const allocates = state.op.startsWith("alloc");
  if (varies("op") || varies("buf") || allocates === (state.buf === "-")) return;
  const buffers = valuesOf("buf");
  state.buf = allocates ? "-" : (buffers.includes("high") ? "high" : buffers.find((name) => name !== "-"));
}

function rowChoices() {
  return [["iommu,swiotlb", "IOMMU \u00d7 swiotlb"], ["kernel", "Kernel"]]
    .concat(AXES.map((axis) => [axis, LABELS[axis]]));
}

const varies = (axis) => state.rows.split(",").includes(axis);

// The rows of the grid: values of the axes that vary.
function rowStates() {
  let rows = [{}];
  for (const axis of state.rows.split(",")) {
    const values = axis === "kernel" ? matrix.kernels : matrix.axes[axis];
    rows = rows.flatMap((row) => values.map((value) => Object.assign({}, row, { [axis]: value.name })));
  }
  return rows.map((row) => Object.assign({}, state, row));
}

const rowName = (row) => state.rows.split(",").map((axis) => row[axis]).join(" ");

function drawControls() {
  const form = byId("controls");
  form.replaceChildren();
  const add = (key, options) => {
    const select = element("select", { id: "pick-" + key, onchange: (event) => {
      state[key] = event.target.value;
      if (key === "op") chooseBuffer();
      findUnknown();
      show(true);
      byId("pick-" + key).focus();
    } });
    for (const [value, text, title] of options) {
      select.append(element("option", { value: value, title: title || "" }, text));
    }
    select.value = state[key];
    form.append(element("label", { for: select.id }, LABELS[key], select));
  };
  const named = (values) => values.map((value) => [value.name, value.name, value.text]);
  if (!varies("kernel")) {
    add("kernel", named(matrix.kernels));
    add("versus", [["", "nothing"]].concat(named(matrix.kernels)));
  }
  for (const axis of ["platform", "op", "attrs", "buf", "iommu", "swiotlb", "mem",
    "coherent_mask", "bus_limit", "coherent", "external"]) {
    if (!varies(axis)) add(axis, named(matrix.axes[axis]));
  }
  add("circumstance", named(matrix.circumstances));
  add("rows", rowChoices());
  if (hasDrivers()) add("weight", [["cells", "cells"], ["drivers", "drivers that set the mask"]]);
}

function drawLegend() {
  byId("legend").replaceChildren(
    ...matrix.verdicts.map((verdict) => element("li", {},
      element("span", { class: "sign " + verdict.name, "aria-hidden": "true" }, verdict.sign),
      verdict.name + ": " + verdict.text)),
    element("li", {}, "* after a sign: the data lie decrypted in DRAM, or the host sees them"),
    element("li", {}, "! after a sign: memory or slots do not go back as they were"),
    element("li", {}, "-: the kernel has no such scenario, or this file does not hold it"),
    element("li", {}, "Heavy outline: the two kernels differ"), ...driverNote());
}

// Whether memory or slots do not go back as they were.
const endsBadly = (answer) => answer.slots_after !== "ok" || answer.state_after !== "same"
  || (answer.owner_after !== "ok" && answer.result !== "error");

function sign(answer) {
  return matrix.signs.get(answer.verdict) + (answer.exposure === "none" ? "" : "*")
    + (endsBadly(answer) ? "!" : "");
}

function drawGrid(kernel, other, side) {
  const table = element("table", { class: "grid", role: "grid",
    "aria-label": (kernel ? kernel + ": " : "") + "verdict by " + LABELS.rows.toLowerCase() + " and DMA mask" });
  const head = element("tr", {}, element("th", { scope: "col" }, state.rows.replace(",", " ")));
  for (const mask of matrix.masks) head.append(element("th", { scope: "col" }, String(mask)));
  table.append(element("thead", {}, head, ...driverRow()));
  const body = element("tbody");
  let count = 0;
  for (const row of rowStates()) {
    const rowKernel = kernel || row.kernel;
    const profile = profileOf(matrix, row, rowKernel);
    const otherProfile = other ? profileOf(matrix, row, other) : null;
    if (!profile && !otherProfile && !(state.mask && isSelectedRow(row))) continue;
    const line = element("tr", {}, element("th", { scope: "row" }, rowName(row)));
    for (const mask of matrix.masks) {
      const answer = answerAt(matrix, profile, mask);
      const cell = element("td", { role: "gridcell", tabindex: "-1",
        "data-mask": mask, "data-row": rowName(row), "data-side": side });
      if (answer) {
        const theirs = answerAt(matrix, otherProfile, mask);
        const differs = other && (!theirs || theirs.outcome !== answer.outcome);
        cell.className = "cell " + answer.verdict + (differs ? " differs" : "");
        cell.textContent = sign(answer);
        cell.setAttribute("aria-label", `${rowKernel}, ${rowName(row)}, mask ${mask}: ${answer.result}, `
          + answer.verdict + (answer.exposure === "none" ? "" : ", " + answer.exposure)
          + (endsBadly(answer) ? ", does not go back as it was" : "")
          + (differs ? `, differs from ${other}` : ""));
        if (differs) count += weightOf(mask);
      } else {
        cell.className = "cell none";
        cell.textContent = "-";
        cell.setAttribute("aria-label", `${rowName(row)}, mask ${mask}: does not exist`);
        cell.title = whyEmpty(row, rowKernel);
      }
      if (isSelected(row, mask, side)) cell.setAttribute("aria-selected", "true");
      line.append(cell);
    }
    body.append(line);
  }
  if (!body.firstChild) {
    const reasons = new Set(rowStates().map((row) => whyEmpty(row, kernel || row.kernel)));
    for (const reason of reasons) {
      body.append(element("tr", {}, element("td", { class: "why", colspan: matrix.masks.length + 1 }, reason)));
    }
  }
  table.append(body);
  const node = element("section", {}, element("div", { class: "scroll" }, table));
  if (kernel) node.prepend(element("h3", {}, kernel));
  return { node: node, count: count };
}

// Why a kernel has no answer to a row.
function whyEmpty(row, kernel) {
  const rule = exclusionOf(matrix, row, kernel);
  return `This combination does not exist on ${kernel}`
    + (rule ? `: ${rule}.` : ", or is not in this file.");
}

const isSelectedRow = (row) => state.rows.split(",").every((axis) => row[axis] === state[axis]);
const isSelected = (row, mask, side) =>
  String(mask) === state.mask && side === state.side && isSelectedRow(row);

function drawGrids() {
  const grids = byId("grids");
  const byKernel = varies("kernel");
  const versus = byKernel || state.versus === state.kernel ? "" : state.versus;
  if (!versus) state.side = "kernel";
  const first = drawGrid(byKernel ? "" : state.kernel, versus, "kernel");
  const nodes = [first.node];
  if (versus) nodes.push(drawGrid(versus, state.kernel, "versus").node);
  grids.replaceChildren(...nodes);
  const start = grids.querySelector("[aria-selected]") || grids.querySelector("td.cell");
  if (start) start.tabIndex = 0;
  byId("status").textContent = versus
    ? `${differing(first.count)} between ${state.kernel} and ${versus}.`
    : `${state.platform}, ${state.op} ${state.attrs === "none" ? "" : state.attrs + " "}${state.buf}.`;
}

const kernelOfCell = () => varies("kernel") || state.side === "kernel" ? state.kernel : state.versus;

function pairs(list) {
  return element("dl", {}, ...list.flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, value)]));
}

function drawDetail() {
  const body = byId("detail-body");
  const mask = Number(state.mask);
  const kernel = kernelOfCell();
  const answer = state.mask ? answerAt(matrix, profileOf(matrix, state, kernel), mask) : null;
  if (!state.mask) {
    body.replaceChildren(element("p", {}, "No cell is selected. Click one, or move with the arrow keys."));
    return;
  }
  if (!answer) {
    const isKnown = profileOf(matrix, state, kernel) !== null;
    body.replaceChildren(element("p", {}, isKnown
      ? `${state.circumstance} does not happen on ${kernel} with mask ${state.mask}.` : whyEmpty(state, kernel)));
    return;
  }
  const meaning = (list, name) => (list.find((value) => value.name === name) || { text: "" }).text;
  const parts = [
    element("h3", {}, `${kernel}, mask ${state.mask}`),
    pairs(KEY_ORDER.map((axis) => [axis, state[axis]])),
    element("h3", {}, "Answer"),
    pairs([
      ["result", answer.result], ["dma", answer.dma], ["enc", answer.enc],
      ["mem_state", answer.mem_state], ["pte", answer.pte], ["warn", answer.warn || "-"],
      ["max_map", answer.max_map],
      ["verdict", answer.verdict + ": " + meaning(matrix.verdicts, answer.verdict)],
      ["exposure", answer.exposure + ": " + meaning(matrix.exposures, answer.exposure)],
      ["masks alike", answer.first === answer.last ? String(answer.first) : `${answer.first}-${answer.last}`],
    ]),
    element("h3", {}, "Unmapped or freed"),
    pairs([
      ["circumstance", state.circumstance + ": " + meaning(matrix.circumstances, state.circumstance)],
      ["pool_kind", answer.pool_kind], ["transient_from", answer.transient_from],
      ["unmap_copy", answer.unmap_copy], ["slots_after", answer.slots_after],
      ["state_after", answer.state_after], ["owner_after", answer.owner_after],
      ["warn_after", answer.warn_after || "-"], ["atomic_call", answer.atomic_call],
      ["exposure_after", answer.exposure_after + ": " + meaning(matrix.exposures, answer.exposure_after)],
    ]),
    element("h3", {}, "Decision path"),
  ];
  if (answer.path < 0) {
    parts.push(element("p", {}, "The path is not recorded for this kernel; the rule that decided is."));
  } else {
    if (state.circumstance !== "ordinary" && !isAltered(matrix, state, kernel)) {
      parts.push(element("p", {}, "The circumstance alters nothing here; the path is that without it."));
    }
    parts.push(element("ol", {}, ...matrix.paths[answer.path].map((number) => {
      const step = matrix.steps[number >> 1];
      const knob = matrix.knobs[step.knob];
      const item = element("li", {}, element("code", {}, step.function),
        `: ${step.condition}? ${number & 1 ? "yes" : "no"}`);
      if (knob) item.append(element("span", { class: "muted", title: knob.text }, ` [${knob.name}, ${knob.file}]`));
      return item;
    })));
  }
  parts.push(element("p", {}, `\u21d2 ${answer.result}: ${answer.where} (${matrix.files[answer.where] || "?"})`));
  const info = matrix.kernels[matrix.index.kernel.get(kernel)];
  const about = element("p", {}, `${kernel}: ${info.text}. `);
  if (info.link && /^https:\/\//.test(info.link)) {
    about.append(element("a", { href: info.link, rel: "noreferrer" }, "Link: " + info.link));
  }
  parts.push(about, element("h3", {}, "Reproduce"));
  const others = state.versus && state.versus !== state.kernel && !varies("kernel");
  parts.push(element("pre", {}, commandOf(state, others ? [state.kernel, state.versus] : [kernel])));
  body.replaceChildren(...parts);
}

function drawFindings() {
  const body = byId("findings-body");
  const byKernel = new Map();
  for (const finding of matrix.findings) {
    if (!byKernel.has(finding.kernel)) byKernel.set(finding.kernel, []);
    byKernel.get(finding.kernel).push(finding);
  }
  if (byKernel.size === 0) body.append(element("p", {}, "None."));
  for (const [kernel, findings] of byKernel) {
    const list = element("ul");
    for (const finding of findings) {
      const conditions = element("ul");
      for (const condition of finding.conditions) {
        const target = stateOfKey(kernel, condition.witness);
        const item = element("li", {}, `${condition.text}: ${condition.scenarios}, e.g. `);
        if (profileOf(matrix, target, kernel)) {
          item.append(element("a", { href: fragmentOf(target) }, condition.witness));
        } else {
          item.append(`${condition.witness} (not in this file)`);
        }
        conditions.append(item);
      }
      list.append(element("li", {}, `${finding.lint}: ${finding.headline}: ${finding.scenarios} scenarios`, conditions));
    }
    body.append(element("details", {}, element("summary", {}, `${kernel}: ${findings.length} findings`), list));
  }
}

function select(cell) {
  const row = rowStates().find((candidate) => rowName(candidate) === cell.dataset.row);
  unknown = [];
  state = Object.assign({}, row, { mask: cell.dataset.mask, side: cell.dataset.side });
  show(true);
  const selected = byId("grids").querySelector("[aria-selected]");
  if (selected) selected.focus();
}

function move(cell, rows, columns) {
  const lines = [...cell.closest("tbody").rows];
  const line = lines[Math.max(0, Math.min(lines.length - 1, lines.indexOf(cell.parentNode) + rows))];
  const cells = [...line.querySelectorAll("td.cell")];
  const own = [...cell.parentNode.querySelectorAll("td.cell")].indexOf(cell);
  const target = cells[Math.max(0, Math.min(cells.length - 1, own + columns))];
  if (!target) return;
  for (const old of byId("grids").querySelectorAll('td[tabindex="0"]')) old.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
}

function onKey(event) {
  const cell = event.target.closest("td.cell");
  if (!cell) return;
  const far = matrix.masks.length;
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
    Home: [0, -far], End: [0, far], PageUp: [-99, 0], PageDown: [99, 0] };
  if (moves[event.key]) move(cell, ...moves[event.key]);
  else if (event.key === "Enter" || event.key === " ") select(cell);
  else return;
  event.preventDefault();
}

// Scrolls to the selected cell.
function reveal(block) {
  const selected = byId("grids").querySelector("[aria-selected]");
  if (selected) selected.scrollIntoView({ block: block, inline: "center" });
}

// Draws what is unknown, with the controls to correct it.
function drawUnknown() {
  byId("grids").replaceChildren(...unknown.map((sentence) => element("p", { class: "unknown" }, sentence)));
  byId("status").textContent = "The link is about something that this file does not hold.";
  byId("detail-body").replaceChildren(element("p", {}, "No cell is selected: the link has unknown values."));
}

// Draws the state; a change by the user is kept in the fragment.
function show(changed) {
  if (changed) history.pushState(null, "", fragmentOf(state));
  drawControls();
  if (unknown.length > 0) {
    drawUnknown();
    return;
  }
  drawGrids();
  drawDetail();
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    byId("status").textContent = "This browser is too old: the page needs DecompressionStream (2023).";
    return;
  }
  matrix = await readMatrix(byId("data").textContent);
  byId("provenance").textContent =
    `Made by dmamatrix ${matrix.tool} from ${matrix.database}, model ${matrix.digest.slice(0, 16)}: `
    + "dmamatrix report html --output explorer.html";
  DEFAULTS.kernel = matrix.latest;
  drawLegend();
  drawFindings();
  readFragment();
  show(false);
  byId("grids").addEventListener("click", (event) => {
    const cell = event.target.closest("td.cell");
    if (cell) select(cell);
  });
  byId("grids").addEventListener("keydown", onKey);
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => {
    readFragment();
    show(false);
    reveal("center");
  });
  reveal("nearest");
  document.body.dataset.ready = "yes";
}

start().catch((error) => { byId("status").textContent = "The matrix cannot be read: " + error.message; });
