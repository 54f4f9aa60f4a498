const element = (id) => document.getElementById(id);
const EVENTS_SHOWN = 6;
const GAPS_SHOWN = 60;

// The event stream. Each row carries when it arrived, so that everybody can see that events come one by one.
const gaps = [];
let arrivedBefore;
const source = new EventSource("events");
source.onopen = () => badge("live");
source.onerror = () => badge("reconnecting");
source.addEventListener("tick", (event) => {
  const tick = JSON.parse(event.data);
  element("tick").textContent = tick.tick;
  element("uptime").textContent = `${tick.uptime.toFixed(1)} s`;
  element("watchers").textContent = tick.watchers;
  element("load").textContent = tick.load.toFixed(2);
  element("worker").textContent = tick.worker;

  const arrivedAt = performance.now();
  const row = document.createElement("li");
  row.dataset.id = event.lastEventId;
  row.dataset.arrivedAt = String(arrivedAt);
  const gap = arrivedBefore === undefined ? undefined : arrivedAt - arrivedBefore;
  row.textContent = `event ${event.lastEventId}`;
  if (gap !== undefined) row.textContent += `, ${gap.toFixed(0)} ms after the one before`;
  element("events").prepend(row);
  while (element("events").children.length > EVENTS_SHOWN) element("events").lastElementChild.remove();
  arrivedBefore = arrivedAt;
  if (gap !== undefined) draw(gap);
});

function badge(text) {
  element("state").textContent = text;
  element("state").classList.toggle("live", text === "live");
}

function draw(gap) {
  gaps.push(gap);
  if (gaps.length > GAPS_SHOWN) gaps.shift();
  const top = Math.max(1000, ...gaps);
  const points = gaps.map((value, index) => `${(index * 600) / (GAPS_SHOWN - 1)},${76 - (value / top) * 72}`);
  element("plot").firstElementChild.setAttribute("points", points.join(" "));
}

// The upload.
element("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch("upload", { method: "POST", body: new FormData(event.target) });
  const rows = response.ok ? await response.json() : [];
  element("uploaded").replaceChildren(...rows.map((file) => {
    const row = document.createElement("li");
    row.textContent = `${file.name}: ${file.size} bytes, SHA-256 ${file.sha256}`;
    return row;
  }));
  if (!response.ok) element("uploaded").textContent = `The server answered ${response.status}.`;
});

// The streamed response, shown as it comes.
element("read").addEventListener("click", async () => {
  element("log").textContent = "";
  element("log").dataset.chunks = "0";
  const response = await fetch("api/log");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    element("log").append(step.value);
    element("log").dataset.chunks = String(Number(element("log").dataset.chunks) + 1);
  }
  element("log").dataset.ended = "true";
});
