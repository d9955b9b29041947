// Real drivers, where the database has those of a kernel tree: how many may map with
// which mask.

const hasDrivers = () => matrix.drivers !== null && matrix.drivers !== undefined;
const driversAt = (mask) => hasDrivers() ? matrix.drivers.counts[mask] || 0 : 0;

// The second row of a grid's head: empty where no driver sets the mask.
function driverRow() {
  if (!hasDrivers()) return [];
  const row = element("tr", { class: "drivers" },
    element("th", { scope: "row" }, "drivers of " + matrix.drivers.tree));
  for (const mask of matrix.masks) {
    const count = driversAt(mask);
    row.append(element("td", { "aria-label": `${count} drivers may set ${mask} bits` }, count ? String(count) : ""));
  }
  return [row];
}

// What a cell counts for.
const weightOf = (mask) => state.weight === "drivers" ? driversAt(mask) : 1;

// Cells that differ, counted as the reader asked.
function differing(count) {
  return state.weight === "drivers"
    ? `${count} times a driver of ${matrix.drivers.tree} meets a cell that differs`
    : `${count} cells differ`;
}

// What the row of drivers means.
function driverNote() {
  return hasDrivers() ? [element("li", {},
    `drivers: how many of the ${matrix.drivers.total} files of ${matrix.drivers.tree} that set a mask `
    + "may map with this one; masks that are not decided are in no column")] : [];
}
