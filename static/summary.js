// The sentence under the cards, as ui/views/summary.py describes it. Names come from people: they are only set as text.
export default function ({ data, parentElement }) {
  const drawn = data.pieces.map(([text, whole, address]) => {
    if (!whole) return text;
    const piece = document.createElement(address ? "a" : "span");
    piece.textContent = text;
    piece.title = whole;
    if (address) {
      piece.href = address;
      piece.onclick = follow;
    }
    return piece;
  });
  parentElement.querySelector(".summary").replaceChildren(...drawn);
}
