"""What README.md shows runs as it stands, and its table is that of the entries there are."""

import pathlib
import re

import pytest

from zoo import readme_table

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_there_are_snippets():
    assert len(SNIPPETS) >= 3


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippet(snippet, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


def test_table_is_what_the_command_writes():
    assert readme_table.replaced(PAGE) == PAGE


def test_commands_stand_on_lines_of_their_own():
    assert {"make demo", "make test"} <= set(PAGE.splitlines())


def test_links_lead_somewhere():
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", prose)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="markers"):
        readme_table.replaced("no table here")
