// The countdown runs on, and the page says when the alert has moved on; both work without it on reload.
const counting = document.querySelector("[data-until]");
if (counting) {
  const begun = performance.now();
  const left = Date.parse(counting.dataset.until) - Date.parse(counting.dataset.now);
  const english = document.documentElement.lang === "en";
  const tell = () => {
    const minutes = Math.max(0, Math.floor((left - (performance.now() - begun)) / 60000));
    const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
    const parts = english ? [[days, " d "], [hours, " h "]] : [[days, "天"], [hours, "小时"]];
    const words = parts.filter(([number]) => number).map(([number, unit]) => number + unit);
    if (!days) words.push(rest + (english ? " min" : "分"));
    counting.textContent = words.join("");
  };
  setInterval(tell, 20000);
}

const { alert: name, newest } = document.body.dataset;
const look = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(`/api/v1/alerts/${encodeURIComponent(name)}/newest`, { headers: { Accept: "application/json" } });
    if (answer.ok && (await answer.json()).id !== newest) document.querySelector(".moved").hidden = false;
  } catch {
    // The next look may get through; what is on the page carries its own time.
  }
};
if (name) setInterval(look, 30000);
