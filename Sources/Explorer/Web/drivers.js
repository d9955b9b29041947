// Real drivers, where the database has those of a kernel tree: how many may map with
// which mask.

const hasDrivers = () => matrix.drivers !== null && matrix.drivers !== undefined;
const driversAt = (mask) => hasDrivers() ? matrix.drivers.counts[mask] || 0 : 0;
const driversOf = (group) => group.reduce((sum, mask) => sum + driversAt(mask), 0);

// The second row of a grid's head, where masks are the columns: empty where no driver sets
// the mask.
function driverRow(columns) {
  if (!hasDrivers() || state.columns !== "mask") return [];
  const row = element("tr", { class: "drivers" },
    element("th", { scope: "row" }, "drivers of " + matrix.drivers.tree));
  for (const column of columns) {
    const count = driversOf(column.group);
    row.append(element("td", { "aria-label": `${count} drivers may set ${column.name} bits` },
      count ? String(count) : ""));
  }
  return [row];
}

// What some masks count for.
const weightOf = (group) => state.weight === "drivers" ? driversOf(group) : group.length;

// Scenarios that differ, counted as the reader asked.
function differing(count) {
  return state.weight === "drivers"
    ? `${count} times a driver of ${matrix.drivers.tree} meets a scenario that differs`
    : `${count} scenarios differ`;
}

// What the row of drivers means.
function driverNote() {
  return hasDrivers() ? [element("li", {},
    `drivers: how many of the ${matrix.drivers.total} files of ${matrix.drivers.tree} that set a mask `
    + "may map with this one; masks that are not decided are in no column")] : [];
}
