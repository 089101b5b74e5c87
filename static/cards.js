// Headline numbers as ui/components/headline_cards.py describes them. Where one of them is chosen, they are the switch
// of the chart: a group of radio buttons. Texts are only ever set as text.
const WAIT = 250; // milliseconds until a choice by arrow keys counts: who passes by some cards chooses none of them
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
const WORDS = { "↑": "up ", "↓": "down " };

const element = (name, kind) => {
  const created = document.createElement(name);
  created.className = kind;
  return created;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".card-box");
  const chooses = data.chosen !== null;
  const built = JSON.stringify([chooses, data.cards.map(({ name, label, value }) => [name, label, value === ""])]);
  if (root.built !== built) root.replaceChildren(group());
  root.built = built;
  const list = root.firstChild;
  list.style.setProperty("--narrowest", `${data.narrowest}px`);
  list.style.setProperty("--count", data.cards.filter((card) => card.value).length || 1);
  const drawn = [...list.querySelectorAll(".card")];
  drawn.forEach((each, place) => fill(each, data.cards[place]));
  // Listeners of an earlier run would tell the server by what it no longer listens to.
  root.choose = (name, wait) => {
    mark(name);
    clearTimeout(root.waiting);
    root.waiting = setTimeout(() => setTriggerValue("chosen", name), wait);
  };
  if (chooses) mark(data.chosen);
  if (chooses) hideBrushes();

  function group() {
    const created = element(chooses ? "div" : "dl", "cards");
    const brief = element("div", "brief");
    for (const card of data.cards) (chooses && card.value === "" ? brief : created).append(build(card));
    if (brief.firstChild) created.append(brief);
    if (!chooses) return created;
    created.setAttribute("role", "radiogroup");
    created.setAttribute("aria-label", data.label);
    created.onkeydown = (event) => {
      if (event.key === "Escape") created.classList.add("quiet");
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      const all = [...created.querySelectorAll(".card")];
      const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
      next.focus();
      root.choose(next.dataset.name, WAIT);
    };
    created.onpointerleave = created.onfocus = () => created.classList.remove("quiet");
    return created;
  }

  function build({ name, value }) {
    const part = chooses ? "span" : "dd";
    const card = element(chooses ? "button" : "div", "card");
    card.append(element(chooses ? "span" : "dt", "label"));
    if (value !== "") card.append(...["value", "change", "spark"].map((kind) => element(part, kind)));
    card.append(element(part, "meaning"));
    if (!chooses) {
      card.tabIndex = 0;
      return card;
    }
    card.type = "button";
    card.dataset.name = name;
    card.setAttribute("role", "radio");
    card.lastChild.id = `meaning-${name}`;
    card.setAttribute("aria-describedby", card.lastChild.id);
    card.onclick = () => {
      // What the number means would lie on the chart that was just chosen. A finger has no other way to see it.
      if (matchMedia("(hover: hover)").matches) root.firstChild.classList.add("quiet");
      root.choose(name, 0);
    };
    return card;
  }

  function fill(card, { label, value, change, arrow, tone, spark, meaning }) {
    const [labelled, ...others] = card.children;
    labelled.textContent = label;
    others.at(-1).textContent = meaning;
    if (chooses) card.setAttribute("aria-label", [label, value, change && `${WORDS[arrow] ?? ""}${change}`].filter(Boolean).join(", "));
    if (value === "") return;
    const [number, moved, line] = others;
    number.textContent = value;
    moved.hidden = !change;
    moved.className = `change ${tone}`;
    moved.replaceChildren(element("span", ""));
    moved.firstChild.textContent = `${arrow} ${change}`.trim();
    line.hidden = !spark.length;
    line.replaceChildren(
      ...spark.map(({ corners, running }) => {
        const area = element("i", running ? "running" : "");
        area.style.clipPath = `polygon(${corners})`;
        return area;
      }),
    );
  }

  // What a drag over the chart draws is a picture without a name: nothing to a screen reader, which has the calendar.
  // The chart may stand there already, or be drawn anew without a run that reaches the cards.
  function hideBrushes() {
    const hide = () => {
      for (const brush of document.querySelectorAll("svg [class*=_brush]:not([aria-hidden])")) brush.setAttribute("aria-hidden", "true");
    };
    hide();
    root.watch?.disconnect();
    root.watch = new MutationObserver(() => {
      if (root.isConnected) hide();
      else root.watch.disconnect();
    });
    root.watch.observe(document.body, { childList: true, subtree: true });
  }

  function mark(name) {
    const chosen = drawn.find((each) => each.dataset.name === name);
    for (const each of drawn) {
      each.setAttribute("aria-checked", String(each === chosen));
      each.tabIndex = each === (chosen ?? drawn[0]) ? 0 : -1;
    }
  }
}
