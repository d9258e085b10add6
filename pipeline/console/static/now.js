// The page of the present, kept current: fetch what changed, swap it in, count down, and say when the line is cut.
import { listen } from "./stream.js";
import { swap, written } from "./swap.js";

const root = document.querySelector("#now");
const line = document.querySelector("#line");
const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
const units = (root.dataset.units ?? "天|小时|分钟|不到1分钟").split("|");
let tag = root.dataset.tag ?? "";
let planned = 0;
let read = performance.now();
let clock = moment();

function moment() {
  const at = root.querySelector("[data-at]")?.dataset.at;
  return at ? Date.parse(at) : Date.now();
}

/** A span of milliseconds in its two largest units, as the server writes it. */
function span(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60000);
  const parts = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0) return units[3];
  const glue = units[0].startsWith(" ") ? " " : "";
  return parts.slice(first, first + 2).map((part, index) => (part ? `${part}${units[first + index]}` : "")).filter(Boolean).join(glue);
}

function tick() {
  const now = clock + (performance.now() - read);
  for (const one of root.querySelectorAll("[data-until]")) {
    const left = Date.parse(one.dataset.until) - now;
    write(one, left > 0 ? one.dataset.before.replace("{}", span(left)) : one.dataset.after);
  }
  for (const one of root.querySelectorAll("[data-since]")) write(one, span(now - Date.parse(one.dataset.since)));
  const hands = document.querySelector("[data-clock]");
  if (hands) write(hands, new Date(now + 8 * 3600000).toISOString().slice(11, 16));
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

async function fetchNow() {
  planned = 0;
  const answer = await fetch(root.dataset.source, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag") ?? "";
  put(await answer.text());
}

function put(text) {
  const fresh = new DOMParser().parseFromString(`<div>${text}</div>`, "text/html").body.firstChild;
  for (const field of fresh.querySelectorAll('input[name="csrf"]')) field.setAttribute("value", csrf);
  const kept = written(root);
  const focused = document.activeElement;
  swap(root, fresh, (node) => node.classList?.add("fresh"));
  clock = moment();
  read = performance.now();
  for (const form of kept) if (!form.isConnected) keep(form);
  if (focused && focused !== document.body && !focused.isConnected) root.querySelector("#incidents article, h1")?.focus({ preventScroll: true });
  tick();
}

/** What somebody wrote into a form that is no longer asked for is not thrown away. */
function keep(form) {
  const box = document.createElement("section");
  box.className = "notice warn";
  const words = document.createElement("p");
  words.textContent = root.dataset.kept;
  box.append(words, form);
  root.before(box);
}

function plan(within) {
  if (!planned) planned = setTimeout(() => fetchNow().catch(() => {}), Math.random() * within * 1000);
}

function broken(silent) {
  document.body.classList.add("cut");
  const minutes = Math.floor(silent / 60000);
  const age = minutes ? line.dataset.minutes.replace("{n}", minutes) : line.dataset.moment;
  const asOf = root.querySelector("[data-as-of]")?.dataset.asOf ?? "--:--";
  line.hidden = false;
  line.classList.remove("back");
  write(line, line.dataset.broken.replace("{as_of}", asOf).replace("{age}", age));
}

function back() {
  document.body.classList.remove("cut");
  line.classList.add("back");
  write(line, line.dataset.back);
  setTimeout(() => { if (line.classList.contains("back")) line.hidden = true; }, 4000);
  plan(0);
}

// What was said once is not said again when the page is loaded anew.
const asked = new URL(location);
if (asked.searchParams.has("said")) {
  asked.searchParams.delete("said");
  asked.searchParams.delete("of");
  history.replaceState(null, "", asked);
}
listen({ changed: plan, broken, back });
setInterval(tick, 1000);
tick();
