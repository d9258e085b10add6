// Lets the form open without a connection: the newest copy of the page and of what it is made of is kept.
"use strict";
const KEPT = "fengsui-damage-1";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const mine = address.pathname === "/damage" || address.pathname.startsWith("/static/");
  if (event.request.method !== "GET" || address.origin !== self.location.origin || !mine) { return; }
  event.respondWith(fresh(event.request, address.pathname === "/damage" ? "/damage" : event.request.url));
});

async function fresh(request, name) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) { await kept.put(name, answer.clone()); }
    return answer;
  } catch (error) {
    return (await kept.match(name)) || Response.error();
  }
}
