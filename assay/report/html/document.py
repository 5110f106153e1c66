"""A page of HTML that loads nothing, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib

from assay.report.html import page_script
from assay.report.html.markup import Markup, element, joined


def document(title: str, body: Markup, script: str = "") -> str:
    """The whole of a page.

    Args:
        title: of the page.
        body: its content.
        script: the page's own; where there is one, the charting library comes before it.
    """
    style = page_script.style(with_charts=bool(script))
    scripts = [page_script.chart_script(), script] if script else []
    allowed = " ".join(f"'{_hash(part)}'" for part in scripts) or "'none'"
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src {allowed}; base-uri 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", title),
        element("style", Markup(style)),
    )
    whole = joined(body, *(element("script", Markup(part)) for part in scripts))
    return f"<!doctype html>\n{element('html', head, element('body', whole), lang='en')}\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
