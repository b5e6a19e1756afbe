"""Take SQL files apart: comments out, statements separate.

Knows quotes and comments, so a semicolon or two dashes inside a text stay what they are.
"""

import re

from backend.errors import ConfigError

_TOKEN = re.compile(
    r"""
      (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` )
    | (?P<version_comment> /\*[!M] )
    | (?P<comment> --(?=[ \t\r\n]|\Z)[^\n]* | \#[^\n]* | /\*.*?\*/ )
    | (?P<end> ; )
    | (?P<broken> ['"`] | /\* )
    | (?P<plain> [^'"`;#/-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)*")


def split_statements(text: str) -> list[str]:
    """Return the statements of a migration, without comments, blank lines and semicolons.

    Raises:
        ConfigError: a quote or comment is not closed, or a comment is conditional (``/*!``),
            which would make the file mean different things on different servers.
    """
    parts: list[list[str]] = [[]]
    for kind, token in _tokens(text):
        if kind == "end":
            parts.append([])
        else:
            parts[-1].append(token)
    statements = (_tidy("".join(part)) for part in parts)
    return [statement for statement in statements if statement]


def single_statement(text: str) -> str:
    """Return the one statement of a routine's file, without comments; semicolons inside stay.

    Raises:
        ConfigError: as ``split_statements``.
    """
    return _tidy("".join(token for _, token in _tokens(text))).rstrip("; \n")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "plain"
        if kind in ("broken", "version_comment"):
            line = text.count("\n", 0, match.start()) + 1
            what = "a conditional comment" if kind == "version_comment" else "something unclosed"
            raise ConfigError(f"SQL line {line}: {what} at {text[match.start() :][:20]!r}")
        # A comment separates words, as the server sees it too.
        tokens.append(("plain", " ") if kind == "comment" else (kind, match[0]))
    return tokens


def _tidy(statement: str) -> str:
    """Drop blank lines and the blanks at line ends, outside of quotes."""
    pieces = re.split(r"""('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`)""", statement)
    pieces[::2] = [_BLANK_LINES.sub("\n", piece) for piece in pieces[::2]]
    return "".join(pieces).strip()
