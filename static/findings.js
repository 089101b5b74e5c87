// Links to the findings of a chart, as ui/components/chart_findings.py describes them. Texts are only ever set as text.
// Findings that are not known yet are asked for after so many milliseconds without anything to do. Right after a press
// or a step Back, or while the page runs, the browser would ask with an address or choices that are about to change.
const WAIT = 1500;
if (window.pressedAt === undefined) {
  window.pressedAt = 0;
  for (const press of ["pointerdown", "keydown", "click", "popstate"]) addEventListener(press, () => { window.pressedAt = Date.now(); }, true);
}

const isRunning = () => !["notRunning", undefined].includes(document.querySelector("[data-testid=stApp]")?.dataset.testScriptState);

const link = ({ text, whole, address }) => {
  const created = document.createElement("a");
  created.textContent = text;
  created.title = whole;
  created.href = address;
  created.onclick = follow;
  return created;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".findings");
  const links = data.links.map(link);
  root.replaceChildren(...(links.length ? [data.label, ...links] : []));
  if (data.opened && root.opened !== data.opened.number) {
    root.opened = data.opened.number;
    const opened = link({ text: "", whole: "", address: data.opened.address });
    root.append(opened); // a diamond of the chart was clicked: that leads where its link does
    opened.click();
    document.getElementById("vg-tooltip-element")?.remove(); // nobody points at the diamond any more
  }
  clearTimeout(root.waiting);
  if (data.waits && root.asked !== data.waits) {
    const ask = () => {
      if (!root.isConnected || document.hidden) return;
      const left = isRunning() ? WAIT : window.pressedAt + WAIT - Date.now();
      if (left > 0) {
        root.waiting = setTimeout(ask, left);
        return;
      }
      root.asked = data.waits;
      setTriggerValue("idle", data.waits);
    };
    root.waiting = setTimeout(ask, WAIT);
  }
}
