// A table as ui/components/tables.py describes it. Texts come from people: they are only ever set as text.
const FIRST = 100; // rows drawn at once; the others follow while the browser has nothing else to do
const CHUNK = 300;
const whenIdle = window.requestIdleCallback ?? ((draw) => setTimeout(draw, 30));

const element = (name, kind, text) => {
  const created = document.createElement(name);
  if (kind) created.className = kind;
  if (text !== undefined) created.textContent = text;
  return created;
};

// A cell is its text, or a pair of it and all that it stands for, which shows to who points at it.
const fill = (place, cell) => {
  const [text, whole] = Array.isArray(cell) ? cell : [cell];
  place.textContent = text;
  if (whole) place.title = whole;
  return place;
};

const bar = ([width, text] = [0, ""]) => {
  const cell = element("td", "share");
  cell.append(track(width), element("span", "", text));
  return cell;
};

// A bar that is full at 1000, and says by its colour that more than all is used; its cell says so in digits.
const track = (width) => {
  const drawn = element("div", "track");
  const filled = drawn.appendChild(element("div", width > 1000 ? "bar over" : "bar"));
  filled.style.width = `${Math.min(width, 1000) / 10}%`;
  return drawn;
};

// A number over time as lines from 0 to 100, which a gap parts; what still runs is drawn paler.
const course = (points, words, running) => {
  const cell = element("td", "trend");
  if (!points.length) return fill(cell, ["\u2013", words]);
  const draw = (name, attributes, place) => {
    const drawn = place.appendChild(document.createElementNS("http://www.w3.org/2000/svg", name));
    Object.entries(attributes).forEach(([key, value]) => drawn.setAttribute(key, value));
    return drawn;
  };
  const last = points.length - 1;
  const picture = draw("svg", { viewBox: `0 -4 ${last || 1} 108`, preserveAspectRatio: "none", role: "img", "aria-label": words }, cell);
  draw("title", {}, picture).textContent = words;
  const line = (from, to) => {
    let path = "";
    for (let x = from; x <= to; x += 1) {
      if (points[x] === null) continue;
      const begins = x === from || points[x - 1] === null;
      path += `${begins ? "M" : "L"}${x} ${100 - points[x]}${begins ? "h0" : ""}`;
    }
    return path;
  };
  draw("path", { d: line(0, running ? last - 1 : last) }, picture);
  if (running) draw("path", { d: line(Math.max(last - 1, 0), last), class: "running" }, picture);
  return cell;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".data-table");
  const { columns, totals } = data;
  const heads = JSON.stringify([data.label, data.title, data.note, data.search, columns.map(({ label, meaning, first }) => [label, meaning, first])]);
  const given = JSON.stringify(data.order);
  if (root.heads !== heads || root.given !== given) root.order = data.order;
  if (root.name !== columns[0].label || !data.search) root.words = ""; // rows of something else
  if (root.heads !== heads) root.replaceChildren(...frame());
  if (data.part && root.address !== location.search) root.querySelector(".scroll").scrollTop = 0;
  Object.assign(root, { heads, given, address: location.search, name: columns[0].label });
  draw();

  function frame() {
    const table = element("table");
    table.setAttribute("aria-label", data.label);
    table.append(element("thead"), element("tbody"), element("tfoot"));
    table.tHead.append(element("tr"));
    table.tHead.hidden = columns.every((column) => !column.label);
    const scroll = element("div", "scroll");
    scroll.append(table);
    if (!columns.some((column) => column.first || column.links)) {
      // Without a button or link in it, only the keyboard's focus on the box itself can scroll it.
      scroll.tabIndex = 0;
      scroll.setAttribute("role", "region");
      scroll.setAttribute("aria-label", data.label);
    }
    table.tHead.rows[0].append(...columns.map(head));
    return [
      ...(data.title ? [element("h3", "", data.title)] : []),
      ...(data.search ? [searchLine()] : []),
      scroll,
      ...(data.note ? [element("p", "note", data.note)] : []),
    ];
  }

  function searchLine() {
    const line = element("div", "search");
    const field = line.appendChild(element("input"));
    field.type = "search";
    field.placeholder = data.search;
    field.setAttribute("aria-label", data.search);
    field.value = root.words;
    field.oninput = () => {
      root.words = field.value;
      root.search();
    };
    line.appendChild(element("span")).setAttribute("role", "status");
    return line;
  }

  // How many rows have what is searched for, in which of all rows.
  function foundInWords(count) {
    const drawn = columns[0].cells.length;
    if (!data.count || data.count === drawn) return `${count.toLocaleString("en-US")} of ${drawn.toLocaleString("en-US")}`;
    const others = (data.count - drawn).toLocaleString("en-US");
    return `${count.toLocaleString("en-US")} of the ${drawn.toLocaleString("en-US")} rows below; the ${others} other rows are not searched`;
  }

  function head(column, place) {
    const cell = element("th", column.look);
    cell.scope = "col";
    if (column.meaning) cell.title = column.meaning;
    if (!column.first) return fill(cell, column.label);
    const button = cell.appendChild(element("button", "", column.label));
    button.type = "button";
    button.onclick = () => root.sortBy(place);
    return cell;
  }

  function draw() {
    const table = root.querySelector("table");
    const { by, up } = root.order ?? {};
    const shares = columns[by]?.shares;
    const headRow = table.tHead.rows[0];
    headRow.querySelector(".share")?.remove();
    columns.forEach((_, place) => {
      if (place === by) headRow.cells[place].setAttribute("aria-sort", up ? "ascending" : "descending");
      else headRow.cells[place].removeAttribute("aria-sort");
    });
    const withShare = (cells, cell) => (shares ? cells.toSpliced(1, 0, cell()) : cells);
    if (shares) {
      const cell = element("th", "share", "Share");
      cell.scope = "col";
      headRow.cells[0].after(cell);
    }
    const line = (row) => {
      const drawn = element("tr");
      drawn.append(...withShare(columns.map((column, place) => cell(column, place, row)), () => bar(shares[row])));
      return drawn;
    };
    const words = root.words.trim().toLowerCase();
    const rows = sorted().filter(matches(words));
    root.querySelector(".scroll").hidden = !columns[0].cells.length;
    const status = root.querySelector(".search [role=status]");
    if (status) status.textContent = words ? foundInWords(rows.length) : "";
    const body = element("tbody");
    body.append(...rows.slice(0, FIRST).map(line));
    const drawFrom = (start) => {
      if (start < rows.length && body.isConnected) {
        body.append(...rows.slice(start, start + CHUNK).map(line));
        whenIdle(() => drawFrom(start + CHUNK));
      }
    };
    table.tBodies[0].replaceWith(body);
    table.tFoot.replaceChildren();
    for (const row of totals) {
      const cells = row.map((cell, place) => fill(element(place ? "td" : "th", columns[place].look), cell));
      cells[0].scope = "row";
      if (words) cells[0].textContent += " of all rows";
      table.tFoot.appendChild(element("tr")).append(...withShare(cells, () => element("td", "share")));
    }
    whenIdle(() => drawFrom(FIRST));
  }

  // The first cell names its row. A cell that leads somewhere is a link.
  function cell({ cells, links, look, points, running, bars }, place, row) {
    if (points) return course(points[row], cells[row], running);
    const drawn = element(place ? "td" : "th", look);
    if (!place) drawn.scope = "row";
    if (bars) {
      if (bars[row] !== null) drawn.append(track(bars[row]));
      drawn.appendChild(fill(element("span"), cells[row]));
      return drawn;
    }
    const end = links?.ends[row] ?? null;
    if (end === null) return fill(drawn, cells[row]);
    const link = fill(drawn.appendChild(element("a")), cells[row]);
    link.href = links.start + end;
    link.onclick = follow;
    return drawn;
  }

  // Whether a row has some words in one of its texts, all of which counts, not only what is shown.
  function matches(words) {
    const texts = columns.filter(({ look }) => look?.startsWith("text")).map(({ cells }) => cells);
    const whole = (cell) => (Array.isArray(cell) ? cell[1] : cell).toLowerCase();
    return (row) => !words || texts.some((cells) => whole(cells[row]).includes(words));
  }

  // By the ranks of a column; unknown values last in both directions, equal ones by the first column.
  function sorted() {
    const rows = columns[0].cells.map((_, row) => row);
    const { by, up } = root.order ?? {};
    const ranks = columns[by]?.ranks;
    if (!ranks || data.part) return rows;
    return rows.sort((one, other) => {
      if (ranks[one] === ranks[other]) return (columns[0].ranks?.[one] ?? 0) - (columns[0].ranks?.[other] ?? 0) || one - other;
      if (ranks[one] === null) return 1;
      if (ranks[other] === null) return -1;
      return up ? ranks[one] - ranks[other] : ranks[other] - ranks[one];
    });
  }

  root.search = draw;
  root.sortBy = (by) => {
    const up = root.order?.by === by ? !root.order.up : columns[by].first === "up";
    root.order = { by, up };
    if (!data.part) draw();
    if (data.tells) setTriggerValue("sorted", [by, up]);
  };
}
