"""Who may import whom: the contracts stand in pyproject.toml."""

from importlinter.cli import lint_imports

from tests.meta import house


def test_imports_point_one_way(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(house.ROOT)

    status = lint_imports(no_cache=True, no_logo=True)

    assert status == 0, capsys.readouterr().out
