// The line to the server: says when the present has changed, and is honest when the line is cut.

const SILENT_MS = 32000; // two signs of life missed
const RETRY_MS = 3000;

/**
 * Listen to `/stream`.
 * @param {{changed: (within: number) => void, broken: (sinceMs: number) => void, back: () => void}} heard
 * `broken` is called every second while the line is cut, with how long ago it last worked.
 */
export function listen(heard) {
  let last = performance.now();
  let cut = false;
  let source = null;

  const alive = () => {
    last = performance.now();
    if (cut) { cut = false; heard.back(); }
  };
  const open = () => {
    source?.close();
    source = new EventSource("/stream");
    source.addEventListener("now", (event) => {
      const wasCut = cut;
      alive();
      heard.changed(wasCut ? 0 : JSON.parse(event.data).within);
    });
    source.addEventListener("beat", alive);
    source.addEventListener("out", () => { source.close(); location.reload(); });
    source.addEventListener("end", () => { cut = true; });
    source.onerror = () => { cut = true; };
  };

  setInterval(() => {
    const silent = performance.now() - last;
    if (silent > SILENT_MS) cut = true;
    if (!cut) return;
    heard.broken(silent);
  }, 1000);
  // A browser gives up for good where the server answers with an error; this does not.
  setInterval(() => {
    if (cut && source.readyState === EventSource.CLOSED) retry();
  }, RETRY_MS);

  async function retry() {
    try {
      const answer = await fetch("/now/part", { method: "HEAD", redirect: "manual", cache: "no-store" });
      if (answer.status === 401 || answer.type === "opaqueredirect") location.reload();
      else open();
    } catch { /* still cut */ }
  }
  open();
}
