// The line that stands for the scope bar on a phone, and what no style can do for the bar: it stays in sight, and the
// keyboard goes into a popover that is opened, whose content is at the end of the page (ui/components/scope_bar.py).
const CONTROLS = ["input:checked", "input:not([tabindex='-1'])", "button:not(:disabled)"];
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

// A choice in a popover may close it: arrow keys lead from one to the next, and Space or Enter chooses.
const walk = (event) => {
  const here = event.target;
  const body = here.type === "radio" && here.closest("[data-testid=stPopoverBody]");
  const step = STEPS[event.key];
  if (!body || !(step || event.key === "Enter")) return;
  event.preventDefault();
  event.stopPropagation();
  if (!step) return here.click();
  const all = [...body.querySelectorAll("input[type=radio]")].filter((one) => one.name === here.name);
  all[(all.indexOf(here) + step + all.length) % all.length].focus();
};

export default function ({ data, parentElement }) {
  const fold = parentElement.querySelector("details");
  const bar = parentElement.closest(".st-key-scope");
  fold.firstElementChild.textContent = data.summary;
  if (bar) {
    bar.parentElement.dataset.sticky = "";
    fold.ontoggle = () => bar.toggleAttribute("data-open", fold.open);
  }
  const entered = new WeakSet();
  const enter = () => {
    for (const body of document.querySelectorAll("[data-testid=stPopoverBody]")) {
      // A date field that is loaded before what stands above it would open its calendar over that.
      if (entered.has(body) || body.querySelector("[data-testid=stSkeleton]")) continue;
      const first = CONTROLS.map((each) => body.querySelector(each)).find(Boolean);
      if (!first) continue;
      entered.add(body);
      if (!body.contains(document.activeElement)) setTimeout(() => first.focus(), 100);
    }
  };
  const watching = new MutationObserver(enter);
  watching.observe(document.body, { childList: true, subtree: true });
  document.addEventListener("keydown", walk, true);
  return () => {
    watching.disconnect();
    document.removeEventListener("keydown", walk, true);
  };
}
