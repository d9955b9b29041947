// The page: it reads the matrix, shows a state, and keeps it in the fragment.

// Scrolls to the selected cell.
function reveal(block) {
  const selected = byId("grids").querySelector("[aria-selected]");
  if (selected) selected.scrollIntoView({ block: block, inline: "center" });
}

// Draws what is unknown, with the controls to correct it.
function drawUnknown() {
  byId("grids").replaceChildren(...unknown.map((sentence) => element("p", { class: "unknown" }, sentence)));
  byId("names").replaceChildren();
  byId("copies").hidden = true;
  byId("status").textContent = "The link is about something that this file does not hold.";
  byId("detail-title").textContent = "Selected cell";
  byId("detail-body").replaceChildren(element("p", {}, "No cell is selected: the link has unknown values."));
}

// Keeps the state in the fragment.
function keep(replaces) {
  if (replaces) history.replaceState(null, "", fragmentOf(state));
  else history.pushState(null, "", fragmentOf(state));
}

// Draws the state; a change by the user is kept in the fragment.
function show(changed) {
  if (changed) keep(false);
  drawControls();
  if (unknown.length > 0) {
    drawUnknown();
    return;
  }
  byId("copies").hidden = false;
  drawGrids();
  drawDetail();
  drawFindings();
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
  // On a narrow screen the grid comes first; the choices are one tap away.
  byId("choices").open = window.matchMedia("(min-width: 48rem)").matches;
  drawLegend();
  drawCopies();
  readFragment();
  show(false);
  byId("grids").addEventListener("click", (event) => {
    const cell = event.target.closest("td.cell");
    if (cell) select(cell, false);
  });
  byId("grids").addEventListener("keydown", onKey);
  for (const id of ["controls", "finding-form", "search-form"]) {
    byId(id).addEventListener("submit", (event) => event.preventDefault());
  }
  byId("search").addEventListener("input", drawResults);
  byId("search-form").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    byId("search").value = "";
    drawResults();
    byId("search").focus();
  });
  byId("find-cause").addEventListener("input", drawFindings);
  window.addEventListener("hashchange", () => {
    readFragment();
    show(false);
    reveal("center");
  });
  if (state.mask !== "" && varies("mask")) reveal("nearest");
  document.body.dataset.ready = "yes";
}

start().catch((error) => { byId("status").textContent = "The matrix cannot be read: " + error.message; });
