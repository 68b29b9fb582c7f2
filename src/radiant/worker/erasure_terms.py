"""What a case is searched by: its number, and the names of its people, experiments, samples, families and files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SHORTEST = 4
"""Characters of a name that is searched for in bytes and texts; a shorter one is found everywhere."""

REPLACED = "(erased)"


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The names of one case; those that another case has, too, are not searched for."""

    case_id: int
    names: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """By kind: patient, experiment, sample, family, file."""
    shared: dict[str, int] = field(default_factory=dict[str, int])
    """How many names of a kind belong to another case, too."""

    def without(self, others: set[str]) -> "SearchTerms":
        """Return the terms without names that other cases have."""
        names = {kind: [one for one in found if one not in others] for kind, found in self.names.items()}
        shared = {kind: self.shared.get(kind, 0) + len(found) - len(names[kind]) for kind, found in self.names.items()}
        return SearchTerms(self.case_id, names, {kind: count for kind, count in shared.items() if count})

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each name."""
        return {name: kind for kind, names in self.names.items() for name in names}

    @property
    def short(self) -> int:
        """How many names are too short to be searched for in bytes."""
        return sum(len(name) < SHORTEST for name in self.kinds)

    def pattern(self, *, within: bool = False) -> re.Pattern[bytes] | None:
        """Return a pattern that finds each long enough name where no letter or digit is beside it; None without any.

        Args:
            within: Find it beside letters and digits, too: in binary formats, values stand side by side.
        """
        long = sorted((name for name in self.kinds if len(name) >= SHORTEST), key=len, reverse=True)
        if not long:
            return None
        names = b"|".join(re.escape(one.encode()) for one in long)
        return re.compile(names if within else rb"(?<![A-Za-z0-9])(?:" + names + rb")(?![A-Za-z0-9])")

    def case_pattern(self) -> re.Pattern[bytes]:
        """Return a pattern that finds the case's number where paths, documents and logs write it."""
        number = str(self.case_id).encode()
        return re.compile(
            rb'case=%b/|\bcases/%b\.|"case_id": ?%b\b(?!\.)|\bcases?:? (?:\d+(?:-\d+)?, )*%b(?![\d-])' % ((number,) * 4)
        )
