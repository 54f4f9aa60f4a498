const element = (id) => document.getElementById(id);

element("hello").textContent = JSON.stringify(await (await fetch(element("hello").dataset.address)).json(), null, 2);

// The report is shown as it comes: `data-chunks` says in how many pieces.
element("read").addEventListener("click", async (event) => {
  const report = element("report");
  report.textContent = "";
  report.dataset.chunks = "0";
  const response = await fetch(event.target.dataset.address);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    report.append(step.value);
    report.dataset.chunks = String(Number(report.dataset.chunks) + 1);
  }
  report.dataset.ended = "true";
});
