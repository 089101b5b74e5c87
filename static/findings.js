// Links to the findings of a chart, as ui/components/chart_findings.py describes them. Texts are only ever set as text.
const WAIT = 1500; // milliseconds without anything to do until findings are asked for that are not known yet

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
    root.waiting = setTimeout(() => {
      if (!root.isConnected || document.hidden) return;
      root.asked = data.waits;
      setTriggerValue("idle", data.waits);
    }, WAIT);
  }
}
