"""Words that do not come back; CONTRIBUTING.md has the rules.

`python tests/architecture/test_language.py [folder]` lists what is found, with what to write instead.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

RULES = {
    "name the component": r"whoever|nobody|somebody|(?:of|to|by|from|with) who|for who(?! in)|(?-i:Who)",
    "say: fix": r"mend(?:s|ed|ing)?",
    "say: again": r"anew",
    "say: even if, even when": r"also (?:when|if|where)",
    "say: except": r"but for",
    "say: outcome": r"(?:became|becomes?) of",
    "say: N, or the number": r"so many",
    "say what it is": r"lonely",
    "software has, reads, returns or accepts": r"knows?|knew",
    "software returns, reports, prints or distinguishes": r"tells?|told|(?-i:Say)",
    "software checks, uses or stores": r"believes?|believed|remembers?|remembered|(?<!un)forg(?:ets?|ot|otten|etting)",
}
"""The words that must not stand there, by the advice; an underscore separates words, so names are checked too."""

TEXTS = re.compile(r"\.(?:py|md|sh|yaml|yml|toml|json|csv)$|(?:^|/)(?:Makefile|Dockerfile|run)$|\.Dockerfile$")

LEFT_OUT = {
    "CHANGELOG.md": "what was written at earlier releases",
    "CONTRIBUTING.md": "shows the words",
    "requirements/": "locks, made by a tool",
    "tests/architecture/test_language.py": "has the words",
}

EXCEPTIONS = {
    ".tell()": "the position of a file object",
    "; describes nobody": "a header line of demo VCFs, whose bytes do not change",
}
"""Pieces of a line that are data or another project's name, each with its reason."""

_PATTERNS = {advice: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for advice, words in RULES.items()}


def found(under: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the sentence about each word that is found below a folder of the repository."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    for name in filter(None, listing.decode().split("\0")):
        if name.startswith(under) and TEXTS.search(name) and not name.startswith(tuple(LEFT_OUT)):
            path = REPOSITORY / name
            for number, line in enumerate(path.read_text().splitlines() if path.is_file() else [], start=1):
                text = line
                for exception in EXCEPTIONS:
                    text = text.replace(exception, "")
                for advice, pattern in _PATTERNS.items():
                    for word in pattern.findall(text.replace("_", " ")):
                        yield name, f"{name}:{number}: {word!r} ({advice}): {line.strip()}"


def test_no_word_that_was_given_up_comes_back():
    assert [text for _, text in found()] == []


@pytest.mark.parametrize(
    "line", ["test_nobody_reads", "Who waits", "cases mended", "told", "does not know", "also when"]
)
def test_the_patterns_find_words_in_prose_and_in_names(line):
    assert any(pattern.search(line.replace("_", " ")) for pattern in _PATTERNS.values())


@pytest.mark.parametrize("line", ["not known", "unknown", "amend", "a parent who carries it", "recommended"])
def test_the_patterns_leave_other_words_alone(line):
    assert not any(pattern.search(line.replace("_", " ")) for pattern in _PATTERNS.values())


if __name__ == "__main__":
    for _, text in found(sys.argv[1] if len(sys.argv) > 1 else ""):
        print(text)  # noqa: T201 - a tool for people
