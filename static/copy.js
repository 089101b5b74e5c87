// Copies the address of the page (ui/components/scope_bar.py). Browsers have a clipboard on https and localhost only.
export default function ({ data, parentElement }) {
  const [button, status] = parentElement.querySelectorAll("button, [role=status]");
  const select = () => {
    const field = Object.assign(document.createElement("textarea"), { value: location.href });
    button.after(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    button.focus();
    if (!done) throw new Error("refused");
  };
  const say = (words) => {
    status.textContent = words;
    button.textContent = words;
    setTimeout(() => { button.textContent = data.label; status.textContent = ""; }, 2000);
  };
  button.onclick = async () => {
    try {
      await (navigator.clipboard ? navigator.clipboard.writeText(location.href) : select());
      say("Link copied");
    } catch {
      say("Copy it from the address bar");
    }
  };
}
