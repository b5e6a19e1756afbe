"""The engine that the guide shows is one."""

import re
from datetime import timedelta
from pathlib import Path

from backend.engines.selftest import self_test
from decision_engines.contract import Action
from tests.fakes.clock import START
from tests.fakes.market import on_spot, pool

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "engines.md"


def test_the_engine_of_the_guide_keeps_the_contract_and_does_what_it_says():
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    names: dict = {}
    exec(compile(code, str(GUIDE), "exec"), names)
    engine = names["CalmestPool"]()

    self_test(engine)
    given = on_spot(pool("a", last_loss_at=START - timedelta(hours=1)), pool("b"))
    assert engine.decide([given])[0].action is Action.SWITCH_SPOT
    assert len(code.splitlines()) <= 45
