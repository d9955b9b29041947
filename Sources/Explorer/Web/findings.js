// Violations by cause, the gravest first, as "dmamatrix check" has them.

// How many causes are shown at once, and how many conditions of one of them.
const CAUSES_AT_ONCE = 10;
const CONDITIONS_AT_ONCE = 5;

let causesShown = CAUSES_AT_ONCE;
let findingsDrawn = "";

// The kernels whose findings the state asks for.
function kernelsOfFindings() {
  if (state.findings === "all") return matrix.kernels.map((kernel) => kernel.name);
  if (state.findings !== "shown") return [state.findings];
  return varies("kernel") ? [state.kernel] : kernelsShown();
}

function filtered(key) {
  findUnknown();
  keep(false);
  drawFindings();
  byId("pick-" + key).focus();
}

// Draws again only what the filters change: an open finding stays open.
function drawFindings() {
  const kernels = kernelsOfFindings();
  const words = byId("find-cause").value.toLowerCase().split(/\s+/).filter((word) => word);
  const wanted = JSON.stringify([kernels, state.severity, state.lint, words]);
  if (wanted === findingsDrawn) return;
  findingsDrawn = wanted;
  causesShown = CAUSES_AT_ONCE;
  drawFilters();
  const causes = matrix.causes.filter((cause) => kernels.includes(cause.kernel)
    && (state.severity === "all" || cause.severity === state.severity)
    && (state.lint === "all" || cause.findings.some((finding) => finding.lint === state.lint))
    && words.every((word) => textOfCause(cause).includes(word)));
  drawCauses(causes, kernels, words.length > 0);
}

function drawFilters() {
  const choice = (list) => list.map((value) => [value.name, value.name, value.text]);
  byId("finding-filters").replaceChildren(
    picker("findings", "Findings of", [["shown", "what is shown", kernelsOfFindings().join(", ")],
      ["all", "every kernel"]].concat(choice(matrix.kernels)), filtered),
    picker("severity", "Severity", [["all", "all"]].concat(choice(matrix.severities)), filtered),
    picker("lint", "Property", [["all", "all"]].concat(choice(matrix.lints)), filtered));
}

function textOfCause(cause) {
  if (!cause.searched) {
    cause.searched = [cause.kernel, cause.severity, cause.text,
      ...cause.findings.flatMap((finding) => [finding.lint, finding.headline])].join(" ").toLowerCase();
  }
  return cause.searched;
}

function drawCauses(causes, kernels, isSearched) {
  const body = byId("findings-body");
  const isFiltered = isSearched || state.severity !== "all" || state.lint !== "all";
  const open = kernels.filter((kernel) => !matrix.checked.includes(kernel));
  const counts = matrix.severities.map((severity) => [severity.name,
    causes.filter((cause) => cause.severity === severity.name).length]).filter((pair) => pair[1] > 0);
  byId("findings-count").textContent = causes.length === 0
    ? (isFiltered ? "No finding passes these filters." : "No finding.")
    : `${causes.length} ${causes.length === 1 ? "cause" : "causes"}: `
      + counts.map(([name, count]) => `${count} ${name}`).join(", ") + ".";
  if (open.length > 0) {
    byId("findings-count").textContent += ` Not asked of ${open.join(", ")}: this page has findings of `
      + "the model's kernels; dmamatrix check has those of a tree.";
  }
  const nodes = [];
  let latest = "";
  for (const cause of causes.slice(0, causesShown)) {
    if (cause.kernel !== latest && kernels.length > 1) nodes.push(element("h3", {}, cause.kernel));
    latest = cause.kernel;
    nodes.push(drawCause(cause));
  }
  if (causes.length > causesShown) {
    nodes.push(element("p", {}, element("button", { type: "button", id: "more-causes", onclick: () => {
      const first = causesShown;
      causesShown += CAUSES_AT_ONCE;
      drawCauses(causes, kernels, isSearched);
      byId("findings-body").querySelectorAll("summary")[first].focus();
    } }, `Show ${Math.min(CAUSES_AT_ONCE, causes.length - causesShown)} of ${causes.length - causesShown} more`)));
  }
  body.replaceChildren(...nodes);
}

// What is behind a cause is made when it is opened.
function drawCause(cause) {
  const inside = element("div", {});
  const node = element("details", { class: "cause" },
    element("summary", {}, element("span", { class: "severity " + cause.severity }, cause.severity),
      ` ${cause.text.replace(cause.severity + " ", "")}`), inside);
  node.addEventListener("toggle", () => {
    if (node.open && !inside.firstChild) inside.append(...insideOf(cause));
  });
  return node;
}

function insideOf(cause) {
  const meaning = (matrix.severities.find((value) => value.name === cause.severity) || { text: "" }).text;
  return [element("p", { class: "muted" }, `${cause.severity}: ${meaning}. Number ${cause.number} of `
    + `dmamatrix report findings --kernel ${quoted(cause.kernel)}.`)].concat(cause.findings.flatMap((finding) => {
    const property = matrix.lints.find((value) => value.name === finding.lint) || { text: "" };
    const list = element("ul", {});
    const add = (conditions) => list.append(...conditions.map((one) => condition(cause.kernel, one)));
    add(finding.conditions.slice(0, CONDITIONS_AT_ONCE));
    const rest = finding.conditions.slice(CONDITIONS_AT_ONCE);
    const more = rest.length === 0 ? [] : [element("button", { type: "button", onclick: (event) => {
      add(rest);
      event.target.remove();
    } }, `${rest.length} more conditions`)];
    return [element("p", {}, element("strong", {}, finding.lint), ` (${property.text}): `
      + `${finding.headline}: ${finding.scenarios} scenarios, where`), list, ...more];
  }));
}

function condition(kernel, one) {
  const target = stateOfKey(kernel, one.witness);
  const item = element("li", {}, `${one.text}: ${one.scenarios}, e.g. `);
  if (profileOf(matrix, target, kernel)) {
    item.append(element("a", { href: fragmentOf(target) }, one.witness));
  } else {
    item.append(`${one.witness} (not in this file)`);
  }
  return item;
}

// Shows one finding, whatever the filters were.
function openFinding(cause) {
  Object.assign(state, { findings: cause.kernel, severity: "all", lint: "all" });
  byId("find-cause").value = "";
  keep(false);
  drawFindings();
  const causes = matrix.causes.filter((other) => other.kernel === cause.kernel);
  const place = causes.indexOf(cause);
  while (causesShown <= place) byId("more-causes").click();
  const node = byId("findings-body").querySelectorAll("details")[place];
  node.open = true;
  node.querySelector("summary").focus();
}
