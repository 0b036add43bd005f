"""`reconcile`: from two models to a plan, its action and its diff."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff, make_plan
from hypothesis import given
from hypothesis import strategies as st

MODELS = st.dictionaries(
    st.sampled_from(["size", "colour", "tags"]),
    st.none() | st.integers(0, 2) | st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
)


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        (None, None, "none"),
        ({"size": 1}, {"size": 1}, "none"),
        (None, {"size": 1}, "create"),
        # A resource may exist, or be wanted, without any setting.
        (None, {}, "create"),
        ({}, None, "delete"),
        ({"size": 1}, {"size": 2}, "update"),
        ({"size": 1}, None, "delete"),
    ],
)
def test_action(before: dict[str, Any] | None, after: dict[str, Any] | None, action: str) -> None:
    plan = Plan("box", before, after)
    assert plan.action == action
    assert plan.changed is (action != "none")


def test_changes_looks_at_one_field() -> None:
    plan = Plan("box", {"size": 1, "colour": "red"}, {"size": 2, "colour": "red"})
    assert plan.changes("size")
    assert not plan.changes("colour")
    assert not plan.changes("unknown")
    assert Plan("box", None, {"size": 1}).changes("size")
    assert Plan("box", {"size": 1}, None).changes("size")


def test_a_new_resource_has_only_what_was_asked_for() -> None:
    assert make_plan("box", None, {"size": 1, "colour": None}).after == {"size": 1}


def test_unset_fields_and_fields_of_others_are_left_alone() -> None:
    current = {"size": 1, "colour": "red", "made_in": "x"}
    plan = make_plan("box", current, {"size": 2, "colour": None})
    assert plan.after == {"size": 2, "colour": "red", "made_in": "x"}
    assert current["size"] == 1


def test_what_is_empty_is_wanted_but_what_is_unset_is_not() -> None:
    current = {"rules": ["a"], "open": True}
    plan = make_plan("box", current, {"rules": [], "open": False})
    assert plan.after == {"rules": [], "open": False}


def test_nothing_desired_means_deletion() -> None:
    assert make_plan("box", {"size": 1}, None).action == "delete"
    assert make_plan("box", None, None).action == "none"


def test_merged_fields_grow_and_others_are_replaced() -> None:
    current, desired = {"tags": {"a": "1", "b": "1"}}, {"tags": {"b": "2"}}
    assert make_plan("box", current, desired).after == {"tags": {"b": "2"}}
    assert make_plan("box", current, desired, merged=["tags"]).after == {
        "tags": {"a": "1", "b": "2"}
    }
    assert current == {"tags": {"a": "1", "b": "1"}}
    assert make_plan("box", {"tags": None}, desired, merged=["tags"]).after == desired


def test_a_create_only_field_that_differs_is_refused_with_the_remedy() -> None:
    with pytest.raises(ReconcileError, match=r"box: key is 'a' and cannot be changed to 'b'.*move"):
        make_plan("box", {"key": "a"}, {"key": "b"}, create_only=["key"])


@pytest.mark.parametrize(
    ("current", "desired", "action"),
    [
        (None, {"key": "a"}, "create"),
        ({"key": "a"}, {"key": "a"}, "none"),
        ({"key": "a"}, {"key": None}, "none"),
        ({"key": "a"}, {}, "none"),
        ({"key": "a"}, None, "delete"),
    ],
)
def test_a_create_only_field_allows_all_else(
    current: dict[str, Any] | None, desired: dict[str, Any] | None, action: str
) -> None:
    assert make_plan("box", current, desired, create_only=["key"]).action == action


@given(current=st.none() | MODELS, desired=st.none() | MODELS)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    current: dict[str, Any] | None, desired: dict[str, Any] | None
) -> None:
    after = make_plan("box", current, desired).after
    assert not make_plan("box", after, desired).changed


def test_diff_shows_the_changing_resources_only() -> None:
    plans = [
        Plan("new", None, {"size": 1}),
        Plan("same", {"size": 1}, {"size": 1}),
        Plan("other", {"size": 1}, {"size": 2}),
        Plan("old", {"size": 1}, None),
    ]
    assert diff(plans) == {
        "before": {"other": {"size": 1}, "old": {"size": 1}},
        "after": {"new": {"size": 1}, "other": {"size": 2}},
    }
    assert diff([]) == {"before": {}, "after": {}}
