from __future__ import annotations

import re
from pathlib import Path

from assay.report.reference import eval_config_fields
from assay.report.reference.eval_config_page import eval_config_page, messages

PAGE = Path(__file__).parents[3] / "docs" / "eval-config.md"
NAMES = [f"{message.name}.{field.name}" for message in messages() for field in message.fields]


def rows_of(page: str) -> dict[str, list[str]]:
    """Message and field -> the cells of its row."""
    rows: dict[str, list[str]] = {}
    for section in page.split("\n### ")[1:]:
        message = section.split("\n")[0]
        for line in re.findall(r"^\| `.*$", section, re.MULTILINE):
            field, *cells = [cell.strip() for cell in line.split("|")[1:-1]]
            rows[f"{message}.{field.strip('`')}"] = cells
    return rows


def test_the_page_in_docs_is_what_the_message_says():
    assert PAGE.read_text() == eval_config_page(), "docs/eval-config.md is out of date; run: make docs"


def test_every_field_is_in_one_row_of_its_message():
    assert list(rows_of(eval_config_page())) == NAMES


def test_every_field_and_message_is_described_and_no_other():
    assert sorted(eval_config_fields.FIELDS) == sorted(NAMES)
    assert sorted(eval_config_fields.MESSAGES) == sorted({name.split(".")[0] for name in NAMES})


def test_links_to_messages_lead_to_their_sections():
    page = eval_config_page()
    headings = {line.removeprefix("### ").lower() for line in page.splitlines() if line.startswith("### ")}
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= headings
