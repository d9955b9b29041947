// What is shown is chosen here; each value is explained under its control.

const KINDS = { release: "Releases", series: "Versions of the series",
  alternative: "Alternatives", tree: "Kernel trees and policy files" };

// A control for a field of the state: choices are [value, text, meaning, group].
function picker(key, label, choices, changed) {
  const select = element("select", { id: "pick-" + key, "aria-describedby": "about-" + key,
    onchange: (event) => {
      state[key] = event.target.value;
      changed(key);
    } });
  const groups = new Map();
  for (const [value, text, meaning, group] of choices) {
    let parent = select;
    if (group) {
      if (!groups.has(group)) {
        groups.set(group, element("optgroup", { label: group }));
        select.append(groups.get(group));
      }
      parent = groups.get(group);
    }
    parent.append(element("option", { value: value }, meaning ? `${text} \u2013 ${meaning}` : text));
  }
  select.value = state[key];
  const chosen = choices.find((choice) => choice[0] === state[key]);
  return element("div", { class: "control" },
    element("label", { for: select.id }, label), select,
    element("span", { id: "about-" + key, class: "meaning" }, chosen && chosen[2] ? chosen[2] : ""));
}

function chosen(key) {
  if (key === "op") chooseBuffer();
  if (key === "rows" || key === "columns") separate(key);
  chooseMask();
  findUnknown();
  show(true);
  const own = byId("pick-" + key);
  if (own) own.focus();
}

function drawControls() {
  const form = byId("controls");
  form.replaceChildren();
  const add = (key, choices) => form.append(picker(key, LABELS[key], choices, chosen));
  const named = (values) => values.map((value) =>
    [value.name, value.name, value.text, KINDS[value.kind]]);
  if (!varies("kernel")) {
    add("kernel", named(matrix.kernels));
    add("versus", [["", "nothing", "one kernel is shown"]].concat(named(matrix.kernels)));
  }
  for (const axis of ["platform", "iommu", "swiotlb", "mem", "op", "attrs", "buf",
    "coherent_mask", "bus_limit", "coherent", "external"]) {
    if (!varies(axis)) add(axis, named(matrix.axes[axis]));
  }
  if (!varies("mask")) {
    add("mask", matrix.masks.map((mask) => [String(mask), String(mask), `DMA_BIT_MASK(${mask})`]));
  }
  add("circumstance", named(matrix.circumstances));
  add("rows", axisChoices().map(([axis, label]) => [axis, label]));
  add("columns", axisChoices().map(([axis, label]) => [axis, label]));
  if (varies("mask")) {
    add("masks", [["grouped", "grouped", "neighbours that are answered alike are one"],
      ["all", "all", "each mask for itself"]]);
  }
  if (hasDrivers()) {
    add("weight", [["cells", "scenarios", "each mask of each row counts once"],
      ["drivers", "drivers", "each mask counts for the drivers that set it"]]);
  }
  byId("choices-now").textContent = sentenceOfView();
}

// What the grids show, in one line.
function sentenceOfView() {
  const kernels = varies("kernel") ? "every kernel" : kernelsShown().join(" against ");
  const fixed = ["platform", "iommu", "swiotlb", "mem", "op", "attrs", "buf"]
    .filter((axis) => !varies(axis) && state[axis] !== "none" && state[axis] !== "-")
    .map((axis) => axis === "swiotlb" ? "swiotlb=" + state[axis] : state[axis]);
  const unusual = ["coherent_mask", "bus_limit", "coherent", "external", "circumstance"]
    .filter((axis) => !varies(axis) && state[axis] !== DEFAULTS[axis])
    .map((axis) => `${LABELS[axis]} ${state[axis]}`);
  const mask = varies("mask") ? [] : ["mask " + state.mask];
  return [kernels].concat(fixed, mask, unusual).join(", ");
}

function drawLegend() {
  const item = (mark, name, text) => element("li", {},
    element("span", { class: "sign " + name, "aria-hidden": "true" }, mark),
    name ? `${name}: ${text}` : text);
  byId("legend").replaceChildren(
    ...matrix.verdicts.map((verdict) => item(verdict.sign, verdict.name, verdict.text)),
    item("*", "", "after a sign: the data lie decrypted in DRAM, or the host sees them"),
    item("!", "", "after a sign: memory or slots do not go back as they were"),
    item("-", "", "the kernel has no such scenario, or this file does not hold it"),
    item("\u25a1", "", "heavy outline: the two kernels differ"), ...driverNote());
}
