// Tells, once, that the page came before somebody's eyes. Scanners that fetch links run no script, and a page
// that is loaded in the background is not seen. Without this script the button says the same.
"use strict";
(function () {
  const address = document.body.dataset.read;
  function tell() {
    if (document.visibilityState !== "visible") { return; }
    document.removeEventListener("visibilitychange", tell);
    fetch(address, { method: "POST", keepalive: true, credentials: "omit" }).catch(function () {});
  }
  if (address) {
    document.addEventListener("visibilitychange", tell);
    tell();
  }
})();
