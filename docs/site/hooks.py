"""What MkDocs does not do by itself: pages that lie outside of docs/, and a site that loads nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PAGES = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
"""Pages of the repository's first folder that the site has, too."""

_LINK_UP = re.compile(r"\[([^\]]+)\]\(\.\./([^)#]+)(#[^)]*)?\)")
_LINK_DOWN = re.compile(r"\]\(docs/([^)]+)\)")
_LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
_IN_STYLES = re.compile(r"""(?:@import\s+|url\()\s*["']?(?:https?:)?//""")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages outside of docs/."""
    for name in PAGES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lets links lead to pages of the site. Links to code, which the site does not have, become plain text.

    Raises:
        PluginError: a diagram that only a script from elsewhere can draw.
    """
    if "```mermaid" in markdown:
        raise PluginError("a mermaid block needs a script from elsewhere; draw it in docs/site/pictures.py")
    return _LINK_UP.sub(_site_link, _LINK_DOWN.sub(r"](\1)", markdown))


def _site_link(link: re.Match[str]) -> str:
    text, path, anchor = link.groups()
    return f"[{text}]({path}{anchor or ''})" if path in PAGES else text


def on_post_build(config: Any) -> None:
    """Refuses a site that loads anything from elsewhere.

    Raises:
        PluginError: names file and address.
    """
    site = Path(config["site_dir"])
    for page in sorted(site.rglob("*.html")):
        found = _Loads()
        found.feed(page.read_text(encoding="utf-8"))
        _refuse(found.addresses, page.relative_to(site))
    for style in sorted(site.rglob("*.css")):
        _refuse(_IN_STYLES.findall(style.read_text(encoding="utf-8")), style.relative_to(site))


def _refuse(addresses: list[str], where: Path) -> None:
    if addresses:
        raise PluginError(f"{where} loads {addresses[0]} from elsewhere; put it into docs/, or leave it out")


class _Loads(HTMLParser):
    """Collects the addresses elsewhere that a page loads by itself; links to follow are not among them."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(_LOADED.get(tag, "")) or ""
        is_only_told = tag == "link" and dict(attrs).get("rel") in ("canonical", "next", "prev")
        if re.match(r"(https?:)?//", address) and not is_only_told:
            self.addresses.append(address)
