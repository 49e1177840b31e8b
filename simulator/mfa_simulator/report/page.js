"use strict";
// Draws each story when it is opened, and finds stories by words. Without it the tables say the same.

const LANE = 30, AXIS = 26, PER_SECOND = 4, LONG = 60000, MARGIN = 34, SVG = "http://www.w3.org/2000/svg";
const BAND_HEIGHT = {session: 20, lock: 20, code: 12};

function element(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

// Short spans are drawn to scale; long ones, in which nothing happens, are squeezed, and the axis says how long they are.
function scaleOf(story, room) {
  const instants = [0];
  for (const [at] of story.marks) instants.push(at);
  for (const [at] of story.reads) instants.push(at);
  const first = Math.min(...instants), last = Math.max(...instants);
  const inside = (at) => at >= first - story.period && at <= last + story.period;
  for (const [, , from, to, , shownFrom, shownTo] of story.bands)
    instants.push(...[from, to, shownFrom, shownTo].filter((at) => at !== undefined && inside(at)));
  const knots = [...new Set(instants)].sort((one, other) => one - other);
  let x = 0;
  const places = knots.map((at, number) => {
    const span = number ? at - knots[number - 1] : 0;
    x += Math.min(span, LONG) / 1000 * PER_SECOND * (span > LONG ? 0.4 : 1) + (span > LONG ? 10 * Math.log2(span / LONG) : 0);
    return x;
  });
  // A short story gets the room that there is.
  const stretch = Math.min(3, Math.max(1, (room - 2 * MARGIN) / (x || 1)));
  places.forEach((place, number) => { places[number] = MARGIN + place * stretch; });
  x = MARGIN + x * stretch;
  const end = knots.length - 1;
  function x_of(at) {
    if (at <= knots[0]) return places[0];
    if (at >= knots[end]) return places[end];
    let low = 0, high = end;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (knots[middle] <= at) low = middle; else high = middle;
    }
    return places[low] + (at - knots[low]) / (knots[high] - knots[low]) * (places[high] - places[low]);
  }
  return {knots, places, x_of, width: x + MARGIN};
}

function spanText(milliseconds) {
  const parts = [[86400000, "d"], [3600000, "h"], [60000, "m"], [1000, "s"]];
  let rest = milliseconds, text = "", count = 0;
  for (const [unit, letter] of parts) {
    const whole = Math.floor(rest / unit);
    if (whole && count < 2) { text += whole + letter; count += 1; rest -= whole * unit; }
  }
  return text || milliseconds + "ms";
}

function drawAxis(svg, story, scale, height) {
  let taken = -100;
  scale.knots.forEach((at, number) => {
    if (!number) return;
    const from = scale.knots[number - 1], x = scale.places[number - 1], width = scale.places[number] - x;
    if (at - from > LONG) {
      element("rect", {class: "gap", x: x + 6, y: AXIS, width: Math.max(width - 12, 2), height: height - AXIS}, svg);
      element("text", {x: x + width / 2, y: 11, "text-anchor": "middle"}, svg, "… " + spanText(at - from) + " …");
      taken = x + width / 2 + 30;
      return;
    }
    const lead = story.start % story.period;
    for (let line = Math.ceil((from + lead) / story.period) * story.period - lead; line <= at; line += story.period) {
      const place = scale.x_of(line);
      element("line", {class: "grid", x1: place, x2: place, y1: AXIS - 6, y2: height}, svg);
      if (place - taken < 56) continue;
      taken = place;
      element("text", {x: place, y: 11, "text-anchor": "middle"}, svg, new Date(story.start + line).toISOString().slice(11, 19));
    }
  });
}

function drawBands(svg, story, scale) {
  for (const [kind, lane, from, to, label, shownFrom, shownTo] of story.bands) {
    const tall = BAND_HEIGHT[kind], y = AXIS + lane * LANE + (LANE - tall) / 2;
    const bar = (look, begin, finish, high) => {
      const x = scale.x_of(begin);
      const shape = {class: look, x, y: y + (tall - high) / 2, width: Math.max(scale.x_of(finish) - x, 2), height: high, rx: 2};
      element("title", {}, element("rect", shape, svg), label + ", " + clock(story, begin) + " to " + clock(story, finish));
    };
    if (kind === "code") {
      bar("accepted", from, to, tall);
      bar("shown", shownFrom, shownTo, tall - 6);
    } else bar(kind, from, to, tall);
  }
  for (const [at, lane, sentAt, target] of story.reads) {
    const y1 = AXIS + lane * LANE + LANE / 2, y2 = AXIS + target * LANE + LANE / 2;
    element("line", {class: "read", x1: scale.x_of(at), y1, x2: scale.x_of(sentAt), y2}, svg);
  }
}

function clock(story, at) {
  return new Date(story.start + at).toISOString().slice(0, 19).replace("T", " ");
}

const SHAPES = {
  good: (x, y) => ["circle", {cx: x, cy: y, r: 6}],
  bad: (x, y) => ["path", {d: `M${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}L${x - 7} ${y}Z`}],
  failed: (x, y) => ["path", {d: `M${x - 7} ${y - 4}l3-3 4 4 4-4 3 3-4 4 4 4-3 3-4-4-4 4-3-3 4-4z`}],
  plain: (x, y) => ["rect", {x: x - 5, y: y - 5, width: 10, height: 10, rx: 2}],
  read: (x, y) => ["circle", {cx: x, cy: y, r: 4.5}],
  request: (x, y) => ["rect", {x: x - 1.5, y: y - 8, width: 3, height: 16, rx: 1}],
  event: (x, y) => ["circle", {cx: x, cy: y, r: 3.2}],
};

function textOf(figure, story, [at, lane, , row, number]) {
  const text = number === undefined ? "" : story.texts[number];
  const [kind, name] = story.lanes[lane];
  const cells = figure.rows[row] ? [...figure.rows[row].cells].slice(1).map((cell) => cell.textContent) : [];
  const [, into, error, who, what, outcome] = cells;
  const step = `${what}: ${outcome}` + (who ? `\n${who}` : "") + (error ? `, the phone ${error} off` : "");
  return `${clock(story, at)}, ${into && !text ? into + " into the step, " : ""}${kind} ${name}\n` + (text ? `${text}\nduring ${what}` : step);
}

function drawMarks(svg, story, scale, figure) {
  const order = story.marks.map((mark, number) => number);
  order.sort((one, other) => story.marks[one][0] - story.marks[other][0] || story.marks[one][1] - story.marks[other][1]);
  const last = new Map();
  figure.marks = order.map((number) => {
    const mark = story.marks[number], [at, lane, look, row] = mark;
    // What happens at the same moment on a lane stands side by side.
    const near = last.get(lane) ?? -100;
    const step = look === "request" || look === "event" ? 5 : 13;
    const x = Math.max(scale.x_of(at), near + step), y = AXIS + lane * LANE + LANE / 2;
    last.set(lane, x);
    const text = textOf(figure, story, mark);
    const made = element("g", {class: "mark " + look, tabindex: -1, role: "img", "aria-label": text}, svg);
    element("circle", {class: "ring", cx: x, cy: y, r: 10}, made);
    const [shape, attributes] = SHAPES[look](x, y);
    element(shape, {class: "shape", ...attributes}, made);
    Object.assign(made, {row: figure.rows[row], said: text, at: x});
    return made;
  });
  figure.width = Math.max(scale.width, ...figure.marks.map((mark) => mark.at + 20));
  if (figure.marks.length) figure.marks[0].setAttribute("tabindex", 0);
}

function draw(holder) {
  const story = JSON.parse(holder.nextElementSibling.textContent);
  if (holder.firstChild || !story.lanes.length) return;
  const table = holder.parentElement.querySelector("tbody");
  const figure = {rows: [...table.rows].filter((row) => row.id)};
  const names = document.createElement("div");
  names.className = "names";
  names.style.top = AXIS + "px";
  for (const [kind, name] of story.lanes) {
    const row = document.createElement("div"), small = document.createElement("small");
    small.textContent = kind + " ";
    row.append(small, name);
    row.title = kind + " " + name;
    names.append(row);
  }
  const scroll = document.createElement("div"), height = AXIS + story.lanes.length * LANE + 4;
  scroll.className = "scroll";
  holder.append(names);
  const scale = scaleOf(story, holder.clientWidth - names.offsetWidth);
  const svg = element("svg", {height, role: "group", "aria-label": "What happened, over virtual time; arrow keys go from event to event"});
  story.lanes.forEach((lane, number) => {
    const y = AXIS + number * LANE + LANE / 2;
    element("line", {class: "lane", x1: 0, x2: scale.width, y1: y, y2: y}, svg);
  });
  drawAxis(svg, story, scale, height);
  drawBands(svg, story, scale);
  drawMarks(svg, story, scale, figure);
  svg.setAttribute("width", figure.width);
  scroll.append(svg);
  const legend = document.createElement("p");
  legend.className = "legend";
  legend.innerHTML = '<i class="shown"></i>the phone shows the code<i class="accepted"></i>the server takes it<i class="session"></i>session<i class="lock"></i>lock. Vertical lines are time steps; arrow keys go from event to event, Enter to its row.';
  holder.append(scroll, legend);
  listen(svg, figure);
}

const tip = document.getElementById("tip");

function show(mark) {
  const place = mark.getBoundingClientRect();
  tip.textContent = mark.said;
  tip.hidden = false;
  const left = Math.min(Math.max(place.left, 8), innerWidth - tip.offsetWidth - 8);
  const below = place.bottom + 8 + tip.offsetHeight < innerHeight;
  tip.style.left = left + "px";
  tip.style.top = (below ? place.bottom + 8 : place.top - tip.offsetHeight - 8) + "px";
  if (mark.row) mark.row.classList.add("lit");
}

function hide(mark) {
  tip.hidden = true;
  if (mark.row) mark.row.classList.remove("lit");
}

function listen(svg, figure) {
  const move = (mark, to) => {
    if (!to) return;
    mark.setAttribute("tabindex", -1);
    to.setAttribute("tabindex", 0);
    to.focus({preventScroll: true});
    to.scrollIntoView({block: "nearest", inline: "nearest"});
    show(to);
  };
  for (const mark of figure.marks) {
    mark.addEventListener("mouseenter", () => show(mark));
    mark.addEventListener("mouseleave", () => hide(mark));
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("blur", () => hide(mark));
    mark.addEventListener("click", () => mark.row && (location.hash = mark.row.id));
  }
  svg.addEventListener("keydown", (event) => {
    const now = figure.marks.indexOf(document.activeElement);
    if (now < 0) return;
    const mark = figure.marks[now];
    const targets = {ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: figure.marks.length - 1};
    if (event.key in targets) move(mark, figure.marks[targets[event.key]]);
    else if (event.key === "Enter" && mark.row) location.hash = mark.row.id;
    else if (event.key === "Escape") hide(mark);
    else return;
    event.preventDefault();
  });
}

const stories = [...document.querySelectorAll("details.story")];
for (const story of stories) {
  const holder = story.querySelector(".drawing");
  if (story.open) draw(holder);
  story.addEventListener("toggle", () => story.open && draw(holder));
}

// A link leads into what is closed.
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  const closed = target && target.closest("details");
  if (!closed) return;
  closed.open = true;
  target.scrollIntoView({block: "center"});
}
addEventListener("hashchange", reveal);
reveal();

const filter = document.getElementById("filter");
filter.hidden = false;
function sift() {
  const words = filter.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const story of stories) {
    const wanted = story.classList.contains("passed") ? filter.elements.passed.checked : filter.elements.failed.checked;
    story.hidden = !(wanted && words.every((word) => story.textContent.toLowerCase().includes(word)));
    left += !story.hidden;
  }
  filter.querySelector("output").textContent = left === stories.length ? "" : `${left} of ${stories.length}`;
}
filter.addEventListener("input", sift);
filter.addEventListener("submit", (event) => event.preventDefault());
filter.elements.open.addEventListener("click", () => stories.forEach((story) => { if (!story.hidden) story.open = true; }));
filter.elements.close.addEventListener("click", () => stories.forEach((story) => { story.open = false; }));
