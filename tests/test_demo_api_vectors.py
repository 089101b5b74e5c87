"""The contract's list of vectors and the tests that hold them."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
CONTRACT = (TESTS.parent / "docs" / "api-contract.md").read_text(encoding="utf-8")
_, _, VECTORS = CONTRACT.partition("## 8. Vectors")


def listed() -> list[int]:
    rows = [line for line in VECTORS.splitlines() if line.startswith("| V")]
    return [int(number) for number in re.findall(r"\bV(\d+)", "\n".join(rows))]


def held() -> set[int]:
    sources = [path.read_text(encoding="utf-8") for path in TESTS.glob("test_demo_api_*.py")]
    names = re.findall(r"def test_v(\d+)_|id=\"v(\d+) ", "\n".join(sources))
    return {int(function or case) for function, case in names}


def test_every_vector_of_the_contract_is_listed_once_and_has_a_test_of_its_number() -> None:
    assert len(listed()) == len(set(listed()))
    assert set(listed()) == held()


def test_the_contract_keeps_its_sections() -> None:
    sections = [int(number) for number in re.findall(r"^## (\d+)\. ", CONTRACT, re.MULTILINE)]
    assert sections == list(range(10))


def test_every_section_that_the_demo_cites_exists() -> None:
    headings = set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", CONTRACT, re.MULTILINE))
    demo = TESTS.parent / "src" / "bridgeboard" / "demo"
    for path in demo.glob("*.py"):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for cited in re.findall(r"api-contract (?:section )?([\d., -]+)", text):
            numbers = re.findall(r"\d+(?:\.\d+)?", cited)
            assert set(numbers) <= headings, f"{path.name} cites {cited}"
