// A recorded text as ui/passages.py tells it: parts, some of them marked, each only ever set as text.
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
    const told = document.createElement("pre");
    told.tabIndex = 0;
    told.setAttribute("role", "region");
    told.setAttribute("aria-label", data.label);
    told.append(...parts);
    place.replaceChildren(told);
  }
  if (!data.turn || data.turn === last) return;
  last = data.turn;
  const shown = place.querySelector("mark") ?? place;
  requestAnimationFrame(() => shown.scrollIntoView({ block: "center" }));
}
