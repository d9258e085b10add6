// Turns a ladder: every move asks the server, which tries it on metrics it has measured already.
const form = document.querySelector("form.ladder");
const outcome = document.querySelector("[data-outcome]");
const say = document.querySelector("[data-say]");
const QUIET = 70, AGAIN = 1000;
let waiting = 0, asking = false, again = false;

for (const range of form.querySelectorAll("input[type=range]")) {
  const box = document.getElementById(range.dataset.for);
  range.hidden = false;
  range.addEventListener("input", () => { box.value = range.value; turned(); });
  box.addEventListener("input", () => { range.value = box.value; });
}
for (const field of form.querySelectorAll("[name][data-now]")) field.addEventListener("slow" in field.dataset ? "change" : "input", turned);
form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
form.querySelector("[data-reset]").addEventListener("click", (event) => {
  event.preventDefault();
  for (const field of form.querySelectorAll("[data-now]")) field.value = field.dataset.now;
  for (const range of form.querySelectorAll("input[type=range]")) range.value = document.getElementById(range.dataset.for).value;
  turned();
});
mark();
if (outcome.querySelector("[data-waiting]")) waiting = setTimeout(ask, AGAIN);

function turned() {
  mark();
  clearTimeout(waiting);
  waiting = setTimeout(ask, QUIET);
}

function mark() {
  for (const field of form.querySelectorAll("[data-now]")) {
    const same = field.type === "number" ? Number(field.value) === Number(field.dataset.now) : field.value === field.dataset.now;
    field.closest(".drag, .field").classList.toggle("turned", !same);
  }
}

// One question at a time: while it is answered only the newest of the others is remembered.
async function ask() {
  clearTimeout(waiting);
  if (!form.checkValidity()) return;
  if (asking) { again = true; return; }
  asking = true;
  outcome.setAttribute("aria-busy", "true");
  const fields = new FormData(form);
  fields.delete("csrf");
  for (const field of form.querySelectorAll("[name][data-now]")) if (!field.closest(".turned")) fields.delete(field.name);
  try {
    const answer = await fetch(`${form.dataset.part}?${new URLSearchParams(fields)}`, { headers: { Accept: "text/html" } });
    if (answer.ok || answer.status === 409) put(await answer.text());
  } catch {
    waiting = setTimeout(ask, AGAIN * 3);
  }
  outcome.removeAttribute("aria-busy");
  asking = false;
  if (again) { again = false; ask(); }
}

function put(page) {
  const kept = [...outcome.querySelectorAll(".export textarea, .export input[name=by]")].map((field) => [field.name, field.value, field === document.activeElement]);
  outcome.innerHTML = page;
  for (const [name, value, focused] of kept) {
    const field = outcome.querySelector(`.export [name=${name}]`);
    if (field) { field.value = value; if (focused) field.focus(); }
  }
  const at = (row) => outcome.querySelector(`[data-row=${row}] b`)?.textContent ?? "—";
  if (outcome.querySelector("[data-figures]")) say.textContent = say.dataset.words.replace("{a}", at("transitions")).replace("{b}", at("pages")).replace("{c}", at("night_pages"));
  if (outcome.querySelector("[data-waiting]")) waiting = setTimeout(ask, AGAIN);
  remember();
}

function remember() {
  const here = new URL(location.href);
  for (const field of form.querySelectorAll("[name][data-now]")) {
    if (field.closest(".turned")) here.searchParams.set(field.name, field.value);
    else here.searchParams.delete(field.name);
  }
  history.replaceState(null, "", here);
}
