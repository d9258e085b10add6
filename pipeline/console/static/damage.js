// Sends the form, and keeps it on this phone while there is no connection: each report under a name of its own, so that
// one that is sent twice is still one.
"use strict";
const form = document.getElementById("damage-form");
const state = document.getElementById("damage-state");
const LONGEST_SIDE = 1600;

function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("fengsui-damage", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("waiting", { keyPath: "sent" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function store(mode, act) {
  const base = await open();
  return new Promise((resolve, reject) => {
    const asked = act(base.transaction("waiting", mode).objectStore("waiting"));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  }).finally(() => base.close());
}

function say(words, bad) {
  state.hidden = false;
  state.className = bad ? "notice warn" : "notice good";
  state.textContent = words;
}

// A photograph of a phone has several megabytes and tells where it lives; what is drawn anew has neither.
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.82 });
  } catch (error) {
    return file;
  }
}

async function filled() {
  const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string");
  const files = [...form.elements.photo.files].slice(0, 3);
  const photos = await Promise.all(files.map(smaller));
  return { sent: form.elements.sent.value, fields, photos };
}

// The word that a form brings back belongs to the session: it is asked for anew before a report that waited is sent.
async function word() {
  const page = new DOMParser().parseFromString(await (await fetch("/damage", { cache: "no-store" })).text(), "text/html");
  const found = page.querySelector("meta[name=csrf]");
  if (!found) { throw new TypeError("signed out"); }
  return found.content;
}

async function send(report, csrf) {
  const body = new FormData();
  for (const [name, value] of report.fields) { body.append(name, name === "csrf" ? csrf : value); }
  report.photos.forEach((photo, index) => body.append("photo", photo, `${index}.jpg`));
  const answer = await fetch("/damage", { method: "POST", body, headers: { Accept: "text/html" } });
  if (answer.ok) { return ""; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const why = page.querySelector("[role=alert], main p");
  return why ? why.textContent.trim() : String(answer.status);
}

async function empty() {
  const waiting = await store("readonly", (rows) => rows.getAll());
  if (!waiting.length) { return 0; }
  try {
    const csrf = await word();
    for (const report of waiting) {
      const refused = await send(report, csrf);
      await store("readwrite", (rows) => rows.delete(report.sent));
      if (refused) { say(`${form.dataset.refused}: ${refused}`, true); return 0; }
    }
    location.assign("/damage?said=kept");
  } catch (error) {
    say(`${waiting.length} ${form.dataset.waiting}`, true);
  }
  return waiting.length;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const report = await filled();
  try {
    const refused = await send(report, form.elements.csrf.value);
    if (refused) { say(`${form.dataset.refused}: ${refused}`, true); state.scrollIntoView(); return; }
    location.assign("/damage?said=kept");
  } catch (error) {
    await store("readwrite", (rows) => rows.put(report));
    form.reset();
    form.elements.sent.value = crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random();
    say(form.dataset.kept, true);
    state.scrollIntoView();
  }
});

const here = document.getElementById("here");
if (navigator.geolocation && window.isSecureContext) {
  here.hidden = false;
  here.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition((found) => {
      form.elements.lat.value = found.coords.latitude.toFixed(5);
      form.elements.lon.value = found.coords.longitude.toFixed(5);
      here.textContent = `◎ ${form.elements.lat.value}, ${form.elements.lon.value}`;
    }, () => { here.disabled = true; }, { enableHighAccuracy: true, timeout: 15000 });
  });
}

if ("serviceWorker" in navigator) { navigator.serviceWorker.register("/damage/worker.js", { scope: "/damage" }).catch(() => {}); }
window.addEventListener("online", empty);
empty();
