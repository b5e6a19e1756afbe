"""News: what an agent of ours would hear at its next sync has changed.

An idle sync is one UPDATE that finds ``instances.news_count`` unchanged (``sync_agent``). So whoever
changes what a sync answers tells the news **in the same transaction**, before the change itself
(locks are taken in order: instances before switches and commands):

* an agent's ``epoch``, ``primary_instance_id`` or deletion,
* the agent's settings,
* the role of an instance,
* a new command (``commands.insert_command`` does it).

Procedures have the same statement. ``tests/meta/test_news.py`` finds writers that forgot.
"""

from backend.db.database import Transaction
from backend.db.statements import beside

_SQL = beside(__file__)


def tell_news(tx: Transaction, agent_id: str) -> None:
    """Make the next sync of every instance of this agent look again. Locks their rows."""
    tx.run(_SQL["tell_news"], {"agent_id": agent_id})
