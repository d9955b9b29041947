// The matrix: JSON, a zero byte, then for each boot, device and request the
// number of its profile, little-endian, 0 where the combination does not exist;
// then, circumstance by circumstance, the lines that it alters, as steps in groups of
// seven bits, and their profiles.

async function readMatrix(base64) {
  const binary = atob(base64);
  const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const end = bytes.indexOf(0);
  const matrix = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const view = new DataView(bytes.buffer, end + 1);
  matrix.profileAt = (index) => view.getUint16(index * 2, true);
  readAltered(matrix, view);

  matrix.index = {};
  for (const axis of AXES) {
    matrix.index[axis] = new Map(matrix.axes[axis].map((value, index) => [value.name, index]));
  }
  matrix.index.kernel = new Map(matrix.kernels.map((kernel, index) => [kernel.name, index]));
  matrix.signs = new Map(matrix.verdicts.map((verdict) => [verdict.name, verdict.sign]));
  const keyed = (list) => new Map(list.map((item, index) => [item.join(), index]));
  matrix.bootOf = keyed(matrix.boots);
  matrix.deviceOf = keyed(matrix.devices);
  matrix.requestOf = keyed(matrix.requests);
  return matrix;
}

// Makes matrix.alteredAt(circumstance, line): a profile's number, or 0; and
// matrix.altered(circumstance): pairs of line and profile.
function readAltered(matrix, view) {
  let place = matrix.boots.length * matrix.devices.length * matrix.requests.length * 2;
  const lines = matrix.alteredLines.map((count) => {
    const own = new Uint32Array(count);
    let next = 0;
    for (let index = 0; index < count; index += 1) {
      let [step, shift, byte] = [0, 0, 0];
      do {
        byte = view.getUint8(place);
        place += 1;
        step += (byte & 127) * 2 ** shift;
        shift += 7;
      } while (byte > 127);
      own[index] = next + step;
      next = own[index] + 1;
    }
    return own;
  });
  const profiles = lines.map((own) => {
    const first = place;
    place += own.length * 2;
    return (index) => view.getUint16(first + index * 2, true);
  });
  matrix.alteredAt = (circumstance, line) => {
    const own = lines[circumstance];
    let [low, high] = [0, own.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (own[middle] < line) low = middle + 1;
      else high = middle;
    }
    return low < own.length && own[low] === line ? profiles[circumstance](low) : 0;
  };
  matrix.altered = (circumstance) => [...lines[circumstance]]
    .map((line, index) => [line, profiles[circumstance](index)]);
}

// The line of a state for a kernel, and its circumstance; null where it cannot exist.
function lineOf(matrix, state, kernel) {
  const at = (axis) => matrix.index[axis].get(state[axis]);
  const boot = matrix.bootOf.get([matrix.index.kernel.get(kernel), at("platform"),
    at("iommu"), at("swiotlb"), at("mem")].join());
  const device = matrix.deviceOf.get([at("coherent_mask"), at("bus_limit"), at("coherent"),
    at("external")].join());
  const request = matrix.requestOf.get([at("op"), at("attrs"), at("buf")].join());
  if (boot === undefined || device === undefined || request === undefined) return null;
  const line = (boot * matrix.devices.length + device) * matrix.requests.length + request;
  return { line, circumstance: matrix.circumstances.findIndex((value) => value.name === state.circumstance) };
}

// The profile that answers a state for a kernel, or null where it cannot exist.
function profileOf(matrix, state, kernel) {
  const found = lineOf(matrix, state, kernel);
  if (found === null) return null;
  const { line, circumstance } = found;
  const number = (circumstance > 0 && matrix.alteredAt(circumstance, line)) || matrix.profileAt(line);
  return number === 0 ? null : matrix.profiles[number - 1];
}

// Whether the file has another answer for a state's circumstance than for the ordinary one.
function isAltered(matrix, state, kernel) {
  const found = lineOf(matrix, state, kernel);
  return found !== null && found.circumstance > 0
    && matrix.alteredAt(found.circumstance, found.line) !== 0;
}

// The rule that excludes a state for a kernel, or "" where the page knows none.
function exclusionOf(matrix, state, kernel) {
  const { rules, boot, device, request } = matrix.exclusions;
  const at = (table, axes) => {
    let place = 0;
    for (const axis of axes) {
      const name = axis === "kernel" ? kernel : state[axis];
      const index = matrix.index[axis].get(name);
      if (index === undefined) return -1;
      place = place * matrix.index[axis].size + index;
    }
    return table[place];
  };
  const found = [
    at(boot, ["kernel", "platform", "iommu", "swiotlb"]),
    at(device, ["platform", "iommu", "coherent", "external"]),
    at(request, ["kernel", "mem", "op", "attrs", "buf"]),
  ].find((rule) => rule >= 0);
  return found === undefined ? "" : rules[found];
}

// The answer of a profile for a mask: outcome, path and the masks that share them.
function answerAt(matrix, profile, mask) {
  for (let index = 0; profile && index < profile.length; index += 4) {
    if (profile[index] <= mask && mask <= profile[index + 1]) {
      const outcome = matrix.outcomes[profile[index + 2]];
      const answer = { outcome: profile[index + 2], path: profile[index + 3],
        first: profile[index], last: profile[index + 1] };
      matrix.outcomeColumns.forEach((column, place) => { answer[column] = outcome[place]; });
      return answer;
    }
  }
  return null;
}
