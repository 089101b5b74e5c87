// A recorded text in parts, some of them marked (ui/components/recorded_text.py). Each is only ever set as text.
let last = "";
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".passage");
  const parts = data.parts.map(({ text, marked }) => {
    if (!marked) return document.createTextNode(text);
    const mark = document.createElement("mark");
    mark.textContent = text;
    return mark;
  });
  if (parts.length) {
    const text = document.createElement("pre");
    text.tabIndex = 0;
    text.setAttribute("role", "region");
    text.setAttribute("aria-label", data.label);
    text.append(...parts);
    place.replaceChildren(text);
  }
  if (!data.turn || data.turn === last) return;
  last = data.turn;
  const shown = place.querySelector("mark") ?? place;
  requestAnimationFrame(() => shown.scrollIntoView({ block: "center" }));
}
