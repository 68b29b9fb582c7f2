"""What MkDocs needs beside the pages: those at the top of the repository, and links that lead out of `docs/`."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Page at the top of the repository, and its name on the site."""
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages at the top, and to the navigation each page that it does not name, and the decisions."""
    for name, page in TOP.items():
        files.append(File.generated(config, page, content=(REPOSITORY / name).read_text(encoding="utf-8")))
    pages = [file.src_uri for file in files.documentation_pages()]
    named = str(config.nav)
    config.nav = [
        *(config.nav or []),
        {"More": [page for page in pages if f"'{page}'" not in named and "/" not in page]},
        {"Decisions": sorted(page for page in pages if page.startswith("decisions/"))},
    ]
    config.nav = [one for one in config.nav if one != {"More": []}]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links between pages to their names on the site; what only the repository has is text without a link."""
    del config, files
    top = {name: source for source, name in TOP.items()}
    source = top.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    folder = (REPOSITORY / source).parent
    up = "../" * page.file.src_uri.count("/")

    def moved(link: re.Match[str]) -> str:
        text, target = link.groups()
        path, hash_, anchor = target.partition("#")
        if not path or "://" in target:
            return link[0]
        inside = (folder / path).resolve().relative_to(REPOSITORY).as_posix()
        if inside in TOP:
            return f"[{text}]({up}{TOP[inside]}{hash_}{anchor})"
        if inside.startswith("docs/") and Path(inside).suffix:
            return f"[{text}]({up}{inside.removeprefix('docs/')}{hash_}{anchor})"
        return text

    return _LINK.sub(moved, markdown)
