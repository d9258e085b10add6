// How far replays are: asked once a second while one waits or runs.
const jobs = [...document.querySelectorAll("[data-job]")];
const english = document.documentElement.lang === "en";
const number = new Intl.NumberFormat(english ? "en" : "zh-CN");
const pause = 1000;

function words(job) {
  if (job.state === "waiting") return english ? "Another replay is under way; this one waits." : "前面还有别的回放，排队中。";
  if (!job.total) return english ? "Reading the past…" : "正在读取资料…";
  const done = `${number.format(job.done)}/${number.format(job.total)}`;
  const rate = job.per_second ? number.format(Math.round(job.per_second)) : "";
  const left = job.left_s === null ? "" : Math.ceil(job.left_s);
  if (english) return `${done.replace("/", " of ")} steps${rate && `, ${rate} a second`}${left !== "" ? `, about ${left} s left` : ""}`;
  return `已算 ${done} 步${rate && `，每秒 ${rate} 步`}${left !== "" ? `，还要约 ${left} 秒` : ""}`;
}

export function show(place, job) {
  const bar = place.querySelector("progress");
  if (bar && job.total) { bar.max = job.total; bar.value = job.done; }
  const said = place.querySelector("[data-said]");
  if (said) said.textContent = words(job);
}

async function look(place) {
  try {
    const answer = await fetch(`/api/v1/replays/${place.dataset.job}/progress`, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const job = await answer.json();
      show(place, job);
      if (!["waiting", "running"].includes(job.state)) { location.reload(); return; }
    }
  } catch { /* asked again in a second */ }
  setTimeout(look, pause, place);
}

jobs.forEach((place) => setTimeout(look, pause, place));
