"""Bytes of models, by their SHA-256, in pieces."""

from datetime import datetime

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_chunk(session: Session, sha256: str, number: int, content: bytes, now: datetime) -> None:
    """Store piece ``number`` (from 0) of the file with this hash (hex). Idempotent."""
    session.run(
        _SQL["insert_chunk"],
        {"sha256": sha256, "chunk_number": number, "content": content.hex(), "now": now},
    )


def find_chunk(session: Session, sha256: str, number: int) -> bytes | None:
    """Return one piece, None after the last."""
    row = session.row(_SQL["find_chunk"], {"sha256": sha256, "chunk_number": number})
    return bytes(row["content"]) if row else None


def delete_unused(session: Session, before: datetime) -> int:
    """Delete the bytes that no version needs any more and that are older than ``before``.

    At most 500 pieces at a time; returns how many.
    """
    hashes = [row["sha256"] for row in session.rows(_SQL["list_unused"], {"before": before})]
    return sum(session.run(_SQL["delete_chunks"], {"sha256": sha256}) for sha256 in hashes)
