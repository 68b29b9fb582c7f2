"""Messages for readers outside the centre: without the paths of files, whose names may be those of people."""

import re

_WORD = r"[^\s'\",;():<>]"
_PATH = re.compile(
    # It begins with a scheme, `/` or `~/`.
    r"(?:\b[a-z][a-z0-9+.-]*://|(?<![\w/.~<-])~?/(?=[^\s/]))[^\s'\",;()]*[^\s'\",;().:]"
    # A name may hold blanks: up to the last word with a slash or a file's suffix.
    rf"(?:(?:\ {_WORD}+)*\ {_WORD}*(?:/[A-Za-z]|\.(?:vcf|bcf|ped|gz|bgz|fa|fasta|csv|tsv|json|html)\b)"
    r"(?:[^\s'\",;()]*[^\s'\",;().:])?)?"
)


def without_paths(text: str) -> str:
    """Return a text with each path and URI replaced by `[path]`, since the names of files may be those of people.

    Example: `without_paths("file:///a/Doe.vcf.gz: ends early")` is `[path]: ends early`.
    """
    return _PATH.sub("[path]", text)
