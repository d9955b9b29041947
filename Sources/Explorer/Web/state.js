"use strict";
// What is shown, as the URL fragment has it.

const AXES = ["platform", "iommu", "swiotlb", "mem", "coherent_mask", "bus_limit",
  "coherent", "external", "op", "attrs", "buf"];

// The kernel is the latest release of the data.
const DEFAULTS = {
  kernel: "", versus: "", platform: "x86-sme47", iommu: "passthrough", swiotlb: "force",
  mem: "64G", coherent_mask: "same", bus_limit: "none", coherent: "1", external: "0",
  op: "map", attrs: "none", buf: "high", circumstance: "ordinary",
  rows: "iommu,swiotlb", columns: "mask", masks: "grouped", mask: "", side: "kernel",
  weight: "cells", findings: "shown", severity: "all", lint: "all",
};

// The state that a fragment describes, with what it names and what is no field of a
// state; what it does not name has its default.
function parseState(fragment) {
  const state = Object.assign({}, DEFAULTS);
  const named = new Set();
  const strange = [];
  for (const [key, value] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    if (Object.hasOwn(DEFAULTS, key)) {
      state[key] = value;
      named.add(key);
    } else if (fragment.includes("=")) {
      strange.push(key);
    }
  }
  return { state: state, named: named, strange: strange };
}

// The fragment of a state: every value, so that the link shows the same when a default
// is another one.
function fragmentOf(state) {
  const fields = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS)) fields.set(key, state[key]);
  return "#" + fields.toString();
}

// A scenario's permanent key: platform/iommu/swiotlb/mem/mask/...
const KEY_ORDER = ["platform", "iommu", "swiotlb", "mem", "mask", "coherent_mask",
  "bus_limit", "coherent", "external", "op", "attrs", "buf"];

function stateOfKey(kernel, key) {
  const [scenario, ...changes] = key.split(";");
  const values = scenario.split("/");
  const state = Object.assign({}, DEFAULTS, { kernel: kernel });
  KEY_ORDER.forEach((axis, index) => { state[axis] = values[index]; });
  if (changes.length > 0) state.circumstance = changes.join(";");
  return state;
}

function keyOf(state) {
  const scenario = KEY_ORDER.map((axis) => state[axis]).join("/");
  return state.circumstance === "ordinary" ? scenario : scenario + ";" + state.circumstance;
}

// A word for a shell: names come from a file, and the command is pasted.
function quoted(word) {
  return /^[\w.,:+-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'";
}

// The command that reproduces a cell.
function commandOf(state, kernels) {
  const words = ["dmamatrix explain --kernel " + quoted(kernels.join(","))];
  for (const axis of KEY_ORDER) {
    const isDefault = { coherent_mask: "same", bus_limit: "none", coherent: "1",
      external: "0", attrs: "none", buf: "-" }[axis] === state[axis];
    if (!isDefault) words.push("--" + axis.replace("_", "-") + " " + quoted(state[axis]));
  }
  if (state.circumstance !== "ordinary") {
    for (const change of state.circumstance.split(";")) {
      const [axis, ...value] = change.split("=");
      words.push("--" + quoted(axis.replace("_", "-")) + " " + quoted(value.join("=")));
    }
  }
  return words.join(" \\\n  ");
}
