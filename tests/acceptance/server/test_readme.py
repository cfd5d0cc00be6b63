"""What README.md shows is what happens, and what it names exists."""

import re

import pytest

from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_prints_what_it_says(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example is not None

    exec(compile(example[1], "README.md", "exec"), {"dsn": dsn, "__name__": "readme"})

    promised = re.findall(r"#\s(\d+|\[.*\])$", example[1], re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


def test_every_guarantee_names_a_test_that_exists() -> None:
    rows = re.findall(r"^\| .+ \| `(tests/[\w/]+\.py)::(test_\w+|\w+)`", README, re.MULTILINE)

    assert len(rows) >= 8
    for file, name in rows:
        assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8") or f"class {name}" in (ROOT / file).read_text(
            encoding="utf-8"
        ), f"{file}::{name}"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^):]+)\)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
