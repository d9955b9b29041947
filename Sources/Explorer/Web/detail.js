// The selected cell: the answer, the path to it, what is left after it, then its inputs.

const ANSWER_COLUMNS = ["result", "exposure", "dma", "enc", "mem_state", "pte", "warn", "max_map"];
const AFTER_COLUMNS = ["pool_kind", "transient_from", "unmap_copy", "slots_after", "state_after",
  "owner_after", "warn_after", "atomic_call", "exposure_after"];

const kernelOfCell = () => varies("kernel") || state.side === "kernel" ? state.kernel : state.versus;

// The kernels of the detail, that of the selected cell first.
function kernelsOfDetail() {
  const own = kernelOfCell();
  return varies("kernel") ? [own]
    : [own].concat(kernelsShown().filter((kernel) => kernel !== own));
}

function drawDetail() {
  const body = byId("detail-body");
  const title = byId("detail-title");
  if (!state.mask) {
    title.textContent = "Selected cell";
    body.replaceChildren(element("p", {}, "No cell is selected. Click one, or move with the arrow keys."));
    return;
  }
  const mask = Number(state.mask);
  const kernels = kernelsOfDetail();
  const sides = kernels.map((kernel) => ({ kernel: kernel,
    answer: answerAt(matrix, profileOf(matrix, state, kernel), mask) }));
  title.textContent = `${kernels.join(" against ")}, mask ${state.mask}`;
  const parts = [];
  for (const side of sides) parts.push(...verdictOf(side, sides.length > 1));
  const answered = sides.filter((side) => side.answer);
  if (answered.length > 0) {
    parts.push(...pathsOf(answered), element("h3", {}, "Answer"),
      table("Answer", ANSWER_COLUMNS, answered),
      element("h3", {}, "Unmapped or freed"),
      element("p", { class: "muted" }, `${state.circumstance}: ${meaningOf("circumstance", state.circumstance)}`),
      table("Unmapped or freed", AFTER_COLUMNS, answered));
  }
  parts.push(element("h3", {}, "Scenario"), element("p", { class: "mono" }, keyOf(state)), inputs());
  for (const kernel of kernels) parts.push(aboutKernel(kernel));
  const command = commandOf(state, kernels);
  parts.push(element("h3", {}, "Reproduce"), element("pre", {}, command),
    element("p", {}, copyButton("Copy the command", () => command),
      copyButton("Copy the link", linkOfView)));
  body.replaceChildren(...parts);
}

const alike = (answer) => answer.first === answer.last ? `mask ${answer.first}`
  : `masks ${answer.first}-${answer.last}`;

// The verdict in words, and the rule that decided.
function verdictOf(side, isCompared) {
  const answer = side.answer;
  const name = isCompared ? [element("strong", {}, side.kernel + ": ")] : [];
  if (!answer) return [element("p", {}, ...name, whyEmpty(state, side.kernel))];
  return [element("p", { class: "verdict" }, ...name,
    element("span", { class: "sign " + answer.verdict, "aria-hidden": "true" }, sign(answer)),
    element("strong", {}, answer.verdict), `: ${meaningOf("verdict", answer.verdict)}; ${alike(answer)}. `,
    element("span", { class: "rule" }, `${answer.result} by ${answer.where} (${matrix.files[answer.where] || "?"})`))];
}

// Columns of answers with what they and their values mean, a kernel beside the other.
function table(label, columns, sides) {
  const body = element("tbody");
  for (const column of columns) {
    const values = sides.map((side) => side.answer[column] || "-");
    const differs = values.some((value) => value !== values[0]);
    const word = matrix.words[column] || { text: "" };
    body.append(element("tr", differs ? { class: "differs" } : {},
      element("th", { scope: "row" }, column, element("span", { class: "meaning" }, word.text)),
      ...values.map((value) => element("td", {}, differs ? element("strong", {}, value) : value,
        element("span", { class: "meaning" }, meaningOf(column, value))))));
  }
  const head = sides.length > 1 ? [element("thead", {}, element("tr", {},
    element("th", { scope: "col" }, "column"),
    ...sides.map((side) => element("th", { scope: "col" }, side.kernel))))] : [];
  return element("table", { class: "answer", "aria-label": label }, ...head, body);
}

// The decisions that led to the answers, one list: what one kernel alone decides is marked
// with its name.
function pathsOf(sides) {
  const parts = [element("h3", {}, "Decision path")];
  if (state.circumstance !== "ordinary" && sides.every((side) => !isAltered(matrix, state, side.kernel))) {
    parts.push(element("p", {}, "The circumstance alters nothing here; the path is that without it."));
  }
  const paths = sides.map((side) => side.answer.path < 0 ? null : matrix.paths[side.answer.path]);
  sides.filter((side, index) => !paths[index]).forEach((side) => parts.push(element("p", {},
    `The path is not recorded for ${side.kernel}; the rule that decided is.`)));
  const known = sides.filter((side, index) => paths[index]);
  if (known.length === 0) return parts;
  const lists = paths.filter((path) => path);
  const merged = known.length === 2 ? merge(lists[0], lists[1]) : lists[0].map((number) => [number, ""]);
  const names = ["", ...known.map((side) => side.kernel)];
  if (known.length === 2 && merged.every((step) => step[1] === "")) {
    parts.push(element("p", { class: "muted" }, "The path is the same on both."));
  }
  parts.push(element("ol", { class: "path" }, ...merged.map(([number, owner]) =>
    stepItem(number, known.length === 2 ? names[owner || 0] : ""))), ...knobsOf(lists));
  return parts;
}

// Two paths as one: pairs of a step and 1 or 2 where only that path has it, by the longest
// common subsequence.
function merge(one, two) {
  const lengths = Array.from({ length: one.length + 1 }, () => new Array(two.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = two.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = one[i] === two[j] ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const merged = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < two.length) {
    if (i < one.length && j < two.length && one[i] === two[j]) {
      merged.push([one[i], ""]);
      i += 1;
      j += 1;
    } else if (j === two.length || (i < one.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      merged.push([one[i], 1]);
      i += 1;
    } else {
      merged.push([two[j], 2]);
      j += 1;
    }
  }
  return merged;
}

function stepItem(number, owner) {
  const step = matrix.steps[number >> 1];
  const knob = matrix.knobs[step.knob];
  const item = element("li", owner ? { class: "own" } : {});
  if (owner) item.append(element("span", { class: "owner" }, owner + " only"), " ");
  item.append(element("code", {}, step.function), `: ${step.condition}? `,
    element("strong", {}, number & 1 ? "yes" : "no"));
  if (knob) item.append(element("span", { class: "muted" }, ` [${step.knob}]`));
  return item;
}

// What versions differ by on some paths, in words, one tap away from them.
function knobsOf(paths) {
  const numbers = paths.flatMap((path) => path || []);
  const ids = new Set(numbers.map((number) => matrix.steps[number >> 1].knob));
  const known = [...ids].filter((id) => matrix.knobs[id]);
  if (known.length === 0) return [];
  return [element("details", {}, element("summary", {}, `What ${known.join(", ")} decide, where versions differ`),
    element("ul", {}, ...known.map((id) => matrix.knobs[id]).map((knob) =>
      element("li", {}, `${knob.name}: ${knob.text} (${knob.file})`))))];
}

function inputs() {
  return element("dl", {}, ...KEY_ORDER.flatMap((axis) => [element("dt", {}, axis),
    element("dd", {}, state[axis], element("span", { class: "meaning" }, meaningOf(axis, state[axis])))]));
}

function aboutKernel(kernel) {
  const info = matrix.kernels[matrix.index.kernel.get(kernel)];
  const about = element("p", {}, `${kernel}: ${info.text}. `);
  if (info.link && /^https:\/\//.test(info.link)) {
    about.append(element("a", { href: info.link, rel: "noreferrer" }, "Link: " + info.link));
  }
  return about;
}
