"""Named SQL: every statement lives in a ``.sql`` file beside the module that runs it.

A file holds entries of the form::

    -- find_agent --
    -- One sentence in business words. Index: agents_pk.
    SELECT ...

Parameters are named, ``%(agent_id)s``. Any other percent sign is text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ENTRY = re.compile(r"^-- (?P<name>[a-z][a-z0-9_]*) --\s*$", re.MULTILINE)
_PARAMETER = re.compile(r"%\((?P<name>[a-z][a-z0-9_]*)\)s")
_COMMENT = re.compile(r"^\s*--.*$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One named statement, compiled once for substitution as bytes."""

    name: str
    text: str
    parameters: frozenset[str] = field(compare=False)
    template: bytes = field(compare=False, repr=False)

    @classmethod
    def compile(cls, name: str, text: str) -> "Statement":
        """Prepare ``text`` for rendering: strip comments, protect literal percent signs."""
        bare = _COMMENT.sub("", text).strip().rstrip(";").strip()
        template = _PARAMETER.sub(lambda m: f"\0({m['name']})s", bare)
        template = template.replace("%", "%%").replace("\0", "%")
        parameters = frozenset(m["name"] for m in _PARAMETER.finditer(bare))
        return cls(name, bare, parameters, template.encode())

    def render(self, literals: Mapping[bytes, bytes]) -> bytes:
        """Return the statement with each parameter replaced by its quoted literal."""
        return self.template % literals


class NamedSql(Mapping[str, Statement]):
    """The statements of one file, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._statements = {s.name: s for s in parse(path.read_text(encoding="utf-8"))}

    def __getitem__(self, name: str) -> Statement:
        return self._statements[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def parse(text: str) -> list[Statement]:
    """Split the text of a ``.sql`` file into its named statements.

    Raises:
        ValueError: a name occurs twice, or text stands before the first name.
    """
    matches = list(_ENTRY.finditer(text))
    head = text[: matches[0].start()] if matches else text
    if _COMMENT.sub("", head).strip():
        msg = "SQL before the first '-- name --' line"
        raise ValueError(msg)
    statements = []
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        end = following.start() if following else len(text)
        statements.append(Statement.compile(match["name"], text[match.end() : end]))
    names = [s.name for s in statements]
    if len(set(names)) != len(names):
        msg = f"duplicate statement names among {sorted(names)}"
        raise ValueError(msg)
    return statements


def beside(module_file: str) -> NamedSql:
    """Load the ``.sql`` file that is the sibling of a module (pass its ``__file__``)."""
    return NamedSql(Path(module_file).with_suffix(".sql"))
