// A short list as ui/lists.py tells it. Text comes from people: it is only ever set as text.
export default function ({ data, parentElement, setTriggerValue }) {
  const made = (name, kind, text) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const bar = (share) => {
    const cell = made("td", "share");
    if (share === null) return cell;
    const track = cell.appendChild(made("div", "track"));
    track.appendChild(made("div", "bar")).style.width = `${Math.max(0, Math.min(1, share.of)) * 100}%`;
    cell.appendChild(made("span", "", share.text));
    return cell;
  };
  const first = (row, place) => {
    const cell = made("th");
    cell.scope = "row";
    const name = cell.appendChild(made(data.leads ? "button" : "span", "name", row.name));
    name.title = data.leads ? `${row.full}: ${data.leads}` : row.full;
    if (data.leads) {
      name.type = "button";
      name.onclick = () => setTriggerValue("pressed", place);
    }
    return cell;
  };
  const line = (row, place) => {
    const each = made("tr");
    each.append(first(row, place), ...row.cells.map((text) => made("td", "", text)));
    if (data.shares) each.append(bar(row.share));
    return each;
  };
  const heading = (told, place) => {
    const cell = made("th", "", told.label);
    cell.scope = "col";
    if (told.meaning) cell.title = told.meaning;
    return cell;
  };
  const table = made("table");
  if (data.head.length) {
    table.appendChild(made("thead")).appendChild(made("tr")).append(...data.head.map(heading));
  }
  table.appendChild(made("tbody")).append(...data.rows.map(line));
  const scroll = made("div", "scroll");
  if (!data.leads) {
    // Without a button in it, only the keyboard's focus on the place itself can scroll it.
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", data.title || data.rows[0]?.name || "");
  }
  scroll.append(table);
  const list = parentElement.querySelector(".list");
  list.replaceChildren();
  if (data.title) list.append(made(data.level, "", data.title));
  if (data.rows.length) list.append(scroll);
  if (data.note) list.append(made("p", "note", data.note));
}
