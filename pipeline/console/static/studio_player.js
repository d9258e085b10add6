// Plays a replay on the map. The server sends changes; levels of the towns are their sum up to a moment.
const root = document.querySelector("[data-replay]");
const english = document.documentElement.lang === "en";
const WORDS = english
  ? { none: "no warning", blue: "Blue", yellow: "Yellow", orange: "Orange", red: "Red", unknown: "cannot be judged" }
  : { none: "无预警", blue: "蓝", yellow: "黄", orange: "橙", red: "红", unknown: "无法研判" };
const RANK = ["none", "blue", "yellow", "orange", "red"];
const HOUR = 3_600_000, DAY = 24;
const SVG = "http://www.w3.org/2000/svg";
const beijing = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" });

const slider = root.querySelector("[data-time]");
const clock = root.querySelector("[data-clock]");
const unjudged = root.querySelector("[data-unjudged]");
const play = root.querySelector("[data-play]");
const rows = [...root.querySelectorAll("[data-change]")].map((row) => ({ row, at: Date.parse(row.dataset.change) }));
const list = root.querySelector("[data-changes]");
const hazard = root.dataset.hazard;
const names = JSON.parse(root.dataset.names);
const start = Date.parse(root.dataset.start);
let towns = [], changes = [], blind = [], asked = [], end = 0, timer = 0, settling = 0;

const answer = await fetch(`/api/v1/replays/${root.dataset.replay}`, { headers: { Accept: "application/json" } });
if (answer.ok) begin((await answer.json()).result);

function begin(found) {
  end = Date.parse(found.end);
  changes = found.changes.filter((one) => !hazard || one.hazard === hazard).map((one) => ({ ...one, at: Date.parse(one.at) }));
  blind = found.blind.map((one) => ({ ...one, start: Date.parse(one.start), end: Date.parse(one.end) }));
  asked = found.hazards.map((one) => one.key).filter((key) => !hazard || key === hazard);
  const drawn = root.querySelectorAll("svg.district .town"), names = root.querySelectorAll("svg.district .names text");
  towns = found.towns.map((town, place) => cellOf(town, drawn[place], names[place]));
  slider.hidden = root.querySelector("[data-controls]").hidden = false;
  slider.addEventListener("input", () => paint());
  slider.addEventListener("keydown", (press) => {
    const step = { PageUp: DAY, PageDown: -DAY }[press.key];
    if (step) { press.preventDefault(); move(step); }
  });
  play.addEventListener("click", () => (timer ? stop() : run()));
  root.querySelectorAll("[data-jump]").forEach((button) => button.addEventListener("click", () => jump(Number(button.dataset.jump))));
  list.addEventListener("click", (click) => {
    const link = click.target.closest(".when");
    if (!link) return;
    click.preventDefault();
    stop();
    to(Date.parse(link.closest("[data-change]").dataset.change));
  });
}

function cellOf(town, group, name) {
  const middle = Number(name.getAttribute("y")) + (name.querySelector(".sign") ? 2 : -5);
  return { ...town, group, name, middle, cell: group.querySelector(".cell"), shown: "" };
}

function now() { return Math.min(start + Number(slider.value) * HOUR, end); }

function move(hours) { slider.value = Number(slider.value) + hours; paint(); }

function to(moment) { slider.value = Math.ceil((moment - start) / HOUR); paint(); }

function jump(way) {
  stop();
  const at = now();
  const others = changes.map((one) => start + Math.ceil((one.at - start) / HOUR) * HOUR).filter((one) => (way > 0 ? one > at : one < at));
  if (others.length) to(way > 0 ? Math.min(...others) : Math.max(...others));
}

function run() {
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  pressed(true);
  const step = () => {
    move(1);
    timer = Number(slider.value) >= Number(slider.max) ? 0 : setTimeout(step, Number(root.querySelector("[data-speed]").value));
    if (!timer) stop();
  };
  timer = setTimeout(step, 0);
}

function stop() { clearTimeout(timer); timer = 0; pressed(false); }

function pressed(on) {
  play.setAttribute("aria-pressed", String(on));
  play.querySelector("[data-word]").textContent = on ? (english ? "Pause" : "暂停") : english ? "Play" : "播放";
  play.firstElementChild.textContent = on ? "⏸" : "▶";
}

function levelsAt(at) {
  const alerts = new Map();
  for (const one of changes) {
    if (one.at > at) break;
    if (!alerts.has(one.alert)) alerts.set(one.alert, {});
    Object.assign(alerts.get(one.alert), one.towns);
  }
  const found = {};
  for (const own of alerts.values())
    for (const [town, level] of Object.entries(own)) if (RANK.indexOf(level) > RANK.indexOf(found[town] ?? "none")) found[town] = level;
  return found;
}

function paint() {
  const at = now(), levels = levelsAt(at);
  const dim = blind.filter((one) => one.start <= at && at < one.end && asked.includes(one.hazard));
  const dark = dim.filter((one) => one.towns >= towns.length).length;
  for (const town of towns) shade(town, levels[town.code] ?? (dark && dark === asked.length ? "unknown" : "none"), dark > 0);
  const said = dim.map((one) => names[one.hazard] + (english ? ` (${one.towns} towns)` : `（${one.towns}个镇街）`));
  const line = said.length ? (english ? `Cannot be judged now: ${said.join(", ")}` : `此时无法研判：${said.join("、")}`) : "";
  if (unjudged.textContent !== line) unjudged.textContent = line;
  const told = beijing.format(at);
  clock.textContent = told;
  clock.dateTime = new Date(at).toISOString();
  slider.setAttribute("aria-valuetext", told);
  cursors(at);
  latest(at);
  clearTimeout(settling);
  settling = setTimeout(settle, 200, told.replace(" ", "T"));
}

function shade(town, level, unsure) {
  const key = `${level}${unsure}`;
  if (town.shown === key) return;
  town.shown = key;
  const { group, name, cell, middle } = town;
  group.setAttribute("class", `town ${level}`);
  const words = `${english ? town.name_en : town.name}：${WORDS[level]}`;
  group.setAttribute("aria-label", words);
  group.querySelector("title").textContent = words;
  group.querySelector(".over")?.remove();
  if (level === "unknown") cell.setAttribute("fill", "url(#hatch)");
  else cell.removeAttribute("fill");
  if (unsure && level !== "unknown") {
    const over = cell.cloneNode();
    over.setAttribute("class", "over");
    over.setAttribute("fill", "url(#hatch-over)");
    cell.after(over);
  }
  name.setAttribute("class", level);
  name.querySelector(".sign")?.remove();
  const word = level === "none" ? "" : level === "unknown" ? "？" : WORDS[level];
  if (word) {
    const sign = document.createElementNS(SVG, "tspan");
    sign.setAttribute("class", "sign");
    sign.setAttribute("x", name.getAttribute("x"));
    sign.setAttribute("dy", "1.1em");
    sign.textContent = word;
    name.append(sign);
  }
  name.setAttribute("y", word ? middle - 2 : middle + 5);
}

function cursors(at) {
  const x = (((at - start) / (end - start)) * 1000).toFixed(1);
  root.querySelectorAll("[data-cursor]").forEach((path) => path.setAttribute("d", `M${x} 0V100`));
  const chart = document.querySelector("[data-weather]");
  if (!chart) return;
  const from = Date.parse(chart.dataset.from), until = Date.parse(chart.dataset.to);
  for (const svg of chart.querySelectorAll("svg")) {
    const [, left, right] = /M([\d.]+) [\d.]+H([\d.]+)/.exec(svg.querySelector(".grid[d*=H]").getAttribute("d")).map(Number);
    const line = svg.querySelector(".now");
    const was = Number(/M([\d.]+)/.exec(line.getAttribute("d"))[1]);
    const shift = `translate(${(left + ((at - from) / (until - from)) * (right - left) - was).toFixed(1)} 0)`;
    [line, svg.querySelector(".now-word")].forEach((part) => part.setAttribute("transform", shift));
  }
}

function latest(at) {
  const last = rows.findLast((one) => one.at <= at);
  for (const { row } of rows) row.classList.toggle("now", row === last?.row);
  if (last) list.scrollTop = last.row.offsetTop - list.clientHeight / 2;
}

function settle(at) {
  const here = new URL(location.href);
  here.searchParams.set("at", at);
  history.replaceState(null, "", here);
  document.querySelector("[data-at]").value = at;
  for (const link of document.querySelectorAll(".picks a, svg.district a")) {
    const aim = new URL(link.getAttribute("href"), location.href);
    aim.searchParams.set("at", at);
    link.setAttribute("href", aim.search + aim.hash);
  }
}
