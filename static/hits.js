// Places in recorded text as ui/lookup.py tells them. Text is only ever set as text.
export default function ({ data, parentElement, setTriggerValue }) {
  const made = (name, kind, text) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const line = (hit, place) => {
    const item = made("li");
    const title = item.appendChild(made(hit.leads ? "button" : "span", "name", hit.title));
    if (hit.leads) {
      title.type = "button";
      title.onclick = () => setTriggerValue("pressed", place);
    }
    const snippet = item.appendChild(made("div", "snippet"));
    snippet.append(...hit.parts.map(({ text, marked }) => made(marked ? "mark" : "span", "", text)));
    return item;
  };
  const hits = made("ol");
  hits.append(...data.hits.map(line));
  parentElement.querySelector(".hits").replaceChildren(hits);
}
