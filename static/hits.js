// Places where a prompt search matched (ui/views/prompt_search.py). Text is only ever set as text.
export default function ({ data, parentElement }) {
  const create = (name, kind, text) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const line = (hit) => {
    const item = create("li");
    const title = item.appendChild(create(hit.address ? "a" : "span", "name", hit.title));
    if (hit.address) {
      title.href = hit.address;
      title.onclick = follow;
    }
    const snippet = item.appendChild(create("div", "snippet"));
    snippet.append(...hit.parts.map(({ text, marked }) => create(marked ? "mark" : "span", "", text)));
    return item;
  };
  const hits = create("ol");
  hits.append(...data.hits.map(line));
  parentElement.querySelector(".hits").replaceChildren(hits);
}
