"""docs/architecture.md draws the components that are deployed, and who takes what of whom."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import yaml

from tests.cloud import ROOT

ARROW = re.compile(r"^ *(\w+) --> (\w+)$", re.MULTILINE)
WORD = re.compile(r"\b[a-z]\w+")
PUBLISHED_BY = {"api": "model_retrieval"}
"""Components by the paths below which they publish, where it is not their name."""


def drawn() -> set[tuple[str, str]]:
    """Return the arrows of the diagram."""
    text = (ROOT / "docs/architecture.md").read_text()
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    return set(ARROW.findall(diagram))


def deployed() -> list[str]:
    """Return the components in the order in which site.yml deploys them."""
    plays = yaml.safe_load((ROOT / "site.yml").read_text())
    names = [play["import_playbook"].removeprefix("playbooks/")[:-4] for play in plays]
    assert names[0] == "preflight"
    assert names[-1] == "outputs"
    return names[1:-1]


def prefixes(component: str) -> set[str]:
    """Return how variables of a component begin: with its name, or that of a role of its own."""
    plays = yaml.safe_load((ROOT / f"playbooks/{component}.yml").read_text())
    roles = [role for play in plays for role in play.get("roles", [])]
    return {component} | {role if isinstance(role, str) else role["role"] for role in roles}


def sources(value: Any, components: list[str]) -> set[str]:
    """Return the components whose variables, or published values, a variable is made of."""
    words = set(WORD.findall(yaml.dump(value)))
    named = {each for each in components for word in words if f"{word}_".startswith(f"{each}_")}
    return named | {PUBLISHED_BY[word] for word in words if word in PUBLISHED_BY}


def resolved(value: Any, variables: dict[str, Any]) -> list[Any]:
    """Return a variable with the variables that it is made of, and theirs."""
    words = set(WORD.findall(yaml.dump(value))) & variables.keys()
    rest = {name: each for name, each in variables.items() if name not in words}
    return [value, *(part for word in words for part in resolved(variables[word], rest))]


def taken() -> set[tuple[str, str]]:
    """Return who takes something of whom, by the variables that wire components together."""
    components = deployed()
    variables = yaml.safe_load((ROOT / "group_vars/all.yml").read_text())
    arrows = {
        (source, taker)
        for taker in components
        for prefix in prefixes(taker)
        for name, value in variables.items()
        if name.startswith(f"{prefix}_")
        for part in resolved(value, variables)
        for source in sources(part, components)
    }
    # What a component takes of one that is deployed after it is a setting, which needs no result.
    place = {component: number for number, component in enumerate(components)}
    return {(source, taker) for source, taker in arrows if place[source] < place[taker]}


def test_the_diagram_shows_who_takes_what_of_whom() -> None:
    assert drawn() == taken()


def test_the_table_has_the_components_in_their_order() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", text.split("## Components")[1], re.MULTILINE)
    places = [rows.index(component) for component in deployed()]
    assert all(one < other for one, other in pairwise(places))
