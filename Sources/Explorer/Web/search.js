// One field that finds scenarios, platforms and other values, functions, findings and
// drivers.

const RESULTS_OF_A_KIND = 6;

function drawResults() {
  const query = byId("search").value.trim();
  const box = byId("search-results");
  box.hidden = query === "";
  if (query === "") {
    box.replaceChildren();
    return;
  }
  const groups = query.split("/").length > 8 ? [scenariosFor(query)]
    : [valuesFor, functionsFor, findingsFor, driversFor].map((find) => find(query.toLowerCase()));
  const found = groups.filter((group) => group.results.length > 0);
  const nodes = found.flatMap((group) => [element("p", { class: "kind" }, group.name),
    element("ul", {}, ...group.results.slice(0, RESULTS_OF_A_KIND).map((result) =>
      element("li", {}, element("button", { type: "button", onclick: () => {
        byId("search").value = "";
        drawResults();
        result.open();
      } }, result.text)))),
    ...(group.results.length > RESULTS_OF_A_KIND
      ? [element("p", { class: "muted" }, `${group.results.length - RESULTS_OF_A_KIND} more; type more of the name`)]
      : [])]);
  if (nodes.length === 0) {
    nodes.push(element("p", {}, `Nothing here is called "${query}": platforms and other values, functions, `
      + "findings and " + (hasDrivers() ? "drivers" : "scenarios") + " were searched."));
  }
  if (!hasDrivers()) {
    nodes.push(element("p", { class: "muted" },
      "This file has no drivers; dmamatrix drivers --tree ~/linux --store matrix.db adds those of a tree."));
  }
  box.replaceChildren(...nodes);
}

// Takes values from a result, and shows the cell.
function go(changes) {
  Object.assign(state, changes);
  chooseMask();
  findUnknown();
  show(true);
  reveal("center");
}

// A scenario's key, after a kernel's name or without.
function scenariosFor(query) {
  const [key, kernel] = query.split(/\s+/).reverse();
  const named = (kernel || state.kernel).replace(/:$/, "");
  const target = stateOfKey(named, key);
  if (target.mask === "*") target.mask = String(matrix.masks[0]);
  for (const axis of Object.keys(target)) if (target[axis] === undefined) target[axis] = "";
  return { name: "Scenario", results: [{ text: `${named} ${keyOf(target)}`, open: () => go(target) }] };
}

function valuesFor(query) {
  const results = [];
  for (const axis of ["kernel"].concat(AXES)) {
    const list = axis === "kernel" ? matrix.kernels : matrix.axes[axis];
    for (const value of list) {
      const isName = value.name.toLowerCase().includes(query);
      if (isName || value.text.toLowerCase().includes(query)) {
        results.push({ rank: (axis === "platform" ? 0 : 1) + (isName ? 0 : 2),
          text: `${LABELS[axis]}: ${value.name} \u2013 ${value.text}`,
          open: () => {
            const own = state.rows.split(",").includes(axis) ? { rows: "iommu,swiotlb" }
              : state.columns.split(",").includes(axis) ? { columns: "mask" } : {};
            Object.assign(state, own);
            separate("columns");
            state[axis] = value.name;
            if (axis === "op") chooseBuffer();
            go({});
          } });
      }
    }
  }
  return { name: "Platforms and other values", results: results.sort((a, b) => a.rank - b.rank) };
}

function functionsFor(query) {
  const rules = Object.keys(matrix.files).filter((rule) => rule.toLowerCase().includes(query)
    || matrix.files[rule].toLowerCase().includes(query));
  const functions = new Set(matrix.steps.map((step) => step.function));
  const asked = [...functions].filter((name) => name.toLowerCase().includes(query));
  return { name: "Functions", results: rules.map((rule) => ({
    text: `decided by ${rule} (${matrix.files[rule]})`,
    open: () => openNearest((span) => matrix.outcomes[span.outcome][WHERE()] === rule,
      `is decided by ${rule}`),
  })).concat(asked.map((name) => ({
    text: `${name}() is asked on the way`,
    open: () => {
      const paths = matrix.paths.map((path) =>
        path.some((number) => matrix.steps[number >> 1].function === name));
      openNearest((span) => span.path >= 0 && paths[span.path], `asks ${name}()`);
    },
  }))) };
}

const WHERE = () => matrix.outcomeColumns.indexOf("where");

// Opens the cell of the shown kernel, else of another one, that is most like the state.
function openNearest(isWanted, what) {
  const places = matrix.profiles.map((profile) => {
    for (let index = 0; index < profile.length; index += 4) {
      if (isWanted({ outcome: profile[index + 2], path: profile[index + 3] })) return profile[index];
    }
    return 0;
  });
  const kernels = [...new Set([state.kernel].concat(matrix.kernels.map((kernel) => kernel.name)))];
  for (const kernel of kernels) {
    const found = nearest(matrix.index.kernel.get(kernel), places);
    if (found) {
      go(Object.assign(found, { kernel: kernel, side: "kernel" }));
      return;
    }
  }
  byId("status").textContent = `No scenario of this file ${what}.`;
}

function nearest(kernel, places) {
  const width = matrix.devices.length * matrix.requests.length;
  const names = (axes, row) => axes.map((axis, index) => [axis, matrix.axes[axis][row[index]].name]);
  const like = (pairs) => pairs.filter(([axis, name]) => state[axis] === name).length;
  const devices = matrix.devices.map((row) => names(["coherent_mask", "bus_limit", "coherent", "external"], row));
  const requests = matrix.requests.map((row) => names(["op", "attrs", "buf"], row));
  let best = null;
  const consider = (line, profile, circumstance, penalty) => {
    const mask = profile > 0 ? places[profile - 1] : 0;
    if (mask === 0) return;
    const pairs = names(["platform", "iommu", "swiotlb", "mem"], matrix.boots[Math.floor(line / width)].slice(1))
      .concat(devices[Math.floor(line % width / matrix.requests.length)], requests[line % matrix.requests.length]);
    const score = like(pairs) - penalty;
    if (best && best.score >= score) return;
    best = { score: score, values: Object.assign(Object.fromEntries(pairs),
      { mask: String(mask), circumstance: circumstance }) };
  };
  matrix.boots.forEach((boot, index) => {
    if (boot[0] !== kernel) return;
    for (let line = index * width; line < (index + 1) * width; line += 1) {
      consider(line, matrix.profileAt(line), "ordinary", 0);
    }
  });
  // What happens in a circumstance alone.
  for (let place = 1; !best && place < matrix.circumstances.length; place += 1) {
    for (const [line, profile] of matrix.altered(place)) {
      if (matrix.boots[Math.floor(line / width)][0] === kernel) {
        consider(line, profile, matrix.circumstances[place].name, 1);
      }
    }
  }
  return best && best.values;
}

function findingsFor(query) {
  const words = query.split(/\s+/);
  const own = kernelsShown();
  const causes = matrix.causes.filter((cause) => words.every((word) => textOfCause(cause).includes(word)));
  causes.sort((a, b) => own.includes(b.kernel) - own.includes(a.kernel));
  return { name: "Findings", results: causes.map((cause) => ({
    text: `${cause.kernel}: ${cause.text}`, open: () => openFinding(cause) })) };
}

function driversFor(query) {
  if (!hasDrivers()) return { name: "Drivers", results: [] };
  const files = matrix.drivers.files.filter((file) => file.name.toLowerCase().includes(query));
  return { name: `Drivers of ${matrix.drivers.tree}`, results: files.map((file) => ({
    text: `${file.name}: ` + (file.pairs.length === 0 ? "masks that this file does not hold"
      : file.pairs.map(([mask, coherent]) => `mask ${mask}, coherent mask ${coherent}`).join("; ")),
    open: () => {
      const [mask, coherent] = file.pairs[file.pairs.length - 1] || ["", ""];
      if (mask !== "") go({ mask: mask, coherent_mask: coherent });
      else byId("status").textContent = `${file.name} sets masks that this file does not hold.`;
    } })) };
}
