// What the state shows: its values, the rows and columns of the grids, and their cells.

const LABELS = { kernel: "Kernel", versus: "Compare with", platform: "Platform", op: "Operation",
  attrs: "Attributes", buf: "Buffer", iommu: "IOMMU", swiotlb: "swiotlb=", mem: "RAM",
  mask: "DMA mask", coherent_mask: "Coherent mask", bus_limit: "Bus limit",
  coherent: "Cache-coherent", external: "Untrusted", rows: "Rows", columns: "Columns",
  masks: "Masks", circumstance: "Circumstance", weight: "Count" };

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
    case "rows": case "columns": return axisChoices().map((choice) => choice[0]);
    case "masks": return ["grouped", "all"];
    case "mask": return [""].concat(matrix.masks.map(String));
    case "findings": return ["shown", "all"].concat(names(matrix.kernels));
    case "severity": return ["all"].concat(names(matrix.severities));
    case "lint": return ["all"].concat(names(matrix.lints));
    default: return names(matrix.axes[key]);
  }
}

function axisChoices() {
  return [["iommu,swiotlb", "IOMMU \u00d7 swiotlb"], ["mask", LABELS.mask], ["kernel", LABELS.kernel]]
    .concat(AXES.map((axis) => [axis, LABELS[axis]]));
}

// What a value of an axis means, in words.
function meaningOf(axis, name) {
  const list = { kernel: matrix.kernels, versus: matrix.kernels,
    circumstance: matrix.circumstances, verdict: matrix.verdicts,
    exposure: matrix.exposures, exposure_after: matrix.exposures }[axis]
    || matrix.axes[axis] || (matrix.words[axis] || { values: [] }).values;
  return (list.find((value) => value.name === name) || { text: "" }).text;
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
  if (!read.named.has("columns")) separate("columns");
  if (!read.named.has("buf")) chooseBuffer();
  if (!read.named.has("mask")) chooseMask();
  findUnknown();
  unknown.push(...read.strange.map((key) => `The link's field "${key}" is unknown.`));
}

function findUnknown() {
  unknown = Object.keys(DEFAULTS).filter((key) => !valuesOf(key).includes(state[key]))
    .map((key) => `This file has no ${key.replace("_", " ")} "${state[key]}"; it has `
      + valuesOf(key).filter((value) => value !== "").join(", ") + ".");
  const [rows, columns] = [state.rows.split(","), state.columns.split(",")];
  const both = rows.filter((axis) => columns.includes(axis));
  if (both.length > 0) unknown.push(`The link has ${both.join(" and ")} as rows and as columns.`);
}

// Allocations have no buffer, mappings have one.
function chooseBuffer() {
  const allocates = state.op.startsWith("alloc");
  if (varies("op") || varies("buf") || allocates === (state.buf === "-")) return;
  const buffers = valuesOf("buf");
  state.buf = allocates ? "-" : (buffers.includes("high") ? "high" : buffers.find((name) => name !== "-"));
}

// A view without masks along an edge is about one mask.
function chooseMask() {
  if (!varies("mask") && state.mask === "") state.mask = String(matrix.masks[matrix.masks.length - 1]);
}

// An axis is along one edge: the other edge gives way.
function separate(edge) {
  const other = edge === "rows" ? "columns" : "rows";
  const own = state[edge].split(",");
  if (!state[other].split(",").some((axis) => own.includes(axis))) return;
  state[other] = own.includes("mask") ? "iommu,swiotlb" : "mask";
}

const edges = () => state.rows.split(",").concat(state.columns.split(","));
const varies = (axis) => edges().includes(axis);

// The kernels of the grids: two where they are compared, "" where kernels are an edge.
function kernelsShown() {
  if (varies("kernel")) return [""];
  return state.versus === "" || state.versus === state.kernel
    ? [state.kernel] : [state.kernel, state.versus];
}

// The values along an edge: each has the axes' values, a name and, along masks, the masks.
function placesOf(edge, groups) {
  let places = [{ values: {}, names: [] }];
  for (const axis of state[edge].split(",")) {
    const values = axis === "mask" ? groups.map((group) => ({ name: rangeName(group), group: group }))
      : axis === "kernel" ? matrix.kernels : matrix.axes[axis];
    places = places.flatMap((place) => values.map((value) => ({
      values: Object.assign({}, place.values,
        { [axis]: value.group ? String(value.group[0]) : value.name }),
      names: place.names.concat(value.name), group: value.group || place.group })));
  }
  return places.map((place) => Object.assign(place, { name: place.names.join(" ") }));
}

const rangeName = (group) => group.length === 1 ? String(group[0])
  : `${group[0]}-${group[group.length - 1]}`;

// The grids: rows, columns, and cell(kernel, row, column), all of which exist somewhere.
function view() {
  const each = matrix.masks.map((mask) => [mask]);
  const kernels = kernelsShown();
  const known = new Map();
  const stateAt = (row, column) => Object.assign({}, state, row.values, column.values);
  const profile = (kernel, row, column) => {
    const at = stateAt(row, column);
    const key = edges().filter((axis) => axis !== "mask").map((axis) => at[axis]).join("\n")
      + "\n" + kernel;
    if (!known.has(key)) known.set(key, profileOf(matrix, at, kernel || at.kernel));
    return known.get(key);
  };
  const answer = (kernel, row, column) =>
    answerAt(matrix, profile(kernel, row, column), Number(stateAt(row, column).mask));
  const exists = (row, column) => kernels.some((kernel) => answer(kernel, row, column));
  let groups = each;
  if (varies("mask") && state.masks === "grouped") {
    groups = groupedMasks(each, kernels, answer);
  }
  const [rows, columns] = [placesOf("rows", groups), placesOf("columns", groups)];
  // What is selected stays to say why it is empty, and all masks are all of them.
  const isEmpty = !rows.some((row) => columns.some((column) => exists(row, column)));
  const keeps = (place, others, exists) => others.some(exists)
    || (state.mask !== "" && holds(place, state))
    || (place.group !== undefined && state.masks === "all" && !isEmpty);
  return {
    kernels: kernels, answer: answer, stateAt: stateAt, groups: groups,
    rows: rows.filter((row) => keeps(row, columns, (column) => exists(row, column))),
    columns: columns.filter((column) => keeps(column, rows, (row) => exists(row, column))),
    absent: rows.filter((row) => !columns.some((column) => exists(row, column))),
    anyRow: rows, anyColumn: columns,
  };
}

// Whether a place is that of a state.
function holds(place, at) {
  return Object.entries(place.values).every(([axis, value]) => axis === "mask"
    ? place.group.includes(Number(at.mask)) : at[axis] === value);
}

// Neighbouring masks that are answered alike everywhere in the view.
function groupedMasks(each, kernels, answer) {
  const edge = state.rows.split(",").includes("mask") ? "columns" : "rows";
  const places = state[edge] === "mask" ? [{ values: {} }] : placesOf(edge, each);
  let latest = null;
  return each.reduce((groups, [mask]) => {
    const at = { values: { mask: String(mask) } };
    const key = kernels.flatMap((kernel) => places.map((place) => {
      const found = edge === "rows" ? answer(kernel, place, at) : answer(kernel, at, place);
      return found ? found.outcome : -1;
    })).join();
    if (key === latest) groups[groups.length - 1].push(mask);
    else groups.push([mask]);
    latest = key;
    return groups;
  }, []);
}

// Whether memory or slots do not go back as they were.
const endsBadly = (answer) => answer.slots_after !== "ok" || answer.state_after !== "same"
  || (answer.owner_after !== "ok" && answer.result !== "error");

function sign(answer) {
  return matrix.signs.get(answer.verdict) + (answer.exposure === "none" ? "" : "*")
    + (endsBadly(answer) ? "!" : "");
}

// Why a kernel has no answer to a state.
function whyEmpty(at, kernel) {
  const rule = exclusionOf(matrix, at, kernel);
  if (rule) return `This combination does not exist on ${kernel}: ${rule}.`;
  if (profileOf(matrix, at, kernel) !== null) {
    return `${at.circumstance} does not happen on ${kernel} with mask ${at.mask}.`;
  }
  return `This combination does not exist on ${kernel}, or is not in this file.`;
}
