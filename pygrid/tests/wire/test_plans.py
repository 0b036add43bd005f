"""Training plans: the checks at hosting and the variants for devices."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.comparison import canonical

from artificien_pygrid.wire.messages_pb2 import Plan
from artificien_pygrid.wire.plans import check_plan, variant
from artificien_pygrid.wire.tensors import InvalidBlob

GOLDEN = Path(__file__).parents[1] / "golden"
HOSTED = GOLDEN / "blobs/mlp.training_plan.bin"


@pytest.mark.parametrize("kind", ["list", "torchscript", "tfjs", "zzz", None])
def test_variants_equal_the_recorded_ones_up_to_ids(kind: str | None) -> None:
    served = Plan.FromString(variant(HOSTED.read_bytes(), kind))
    recorded = Plan.FromString((GOLDEN / f"blobs/got_plan_{kind}.bin").read_bytes())

    assert canonical(served) == canonical(recorded)


def test_variants_differ() -> None:
    hosted = HOSTED.read_bytes()
    variants = {variant(hosted, kind) for kind in ("list", "torchscript", "tfjs")}
    assert len(variants | {hosted}) == 4


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*training_plan.bin")), ids=str)
def test_recorded_training_plans_are_valid(path: Path) -> None:
    blob = path.read_bytes()
    check_plan(blob)
    assert Plan.FromString(blob).name == "training_plan"


@pytest.mark.parametrize(
    ("exchange", "error"),
    [
        ("ws_host_bad_plan", "Plan is not valid"),
        ("ws_host_plan_without_tfjs", "Failed to translate a Plan"),
        ("ws_host_plan_without_torchscript", None),
    ],
)
def test_recorded_hosting_answers_the_same(exchange: str, error: str | None) -> None:
    [recorded] = json.loads((GOLDEN / f"exchanges/{exchange}.json").read_text())["exchanges"]
    blob = bytes.fromhex(recorded["send"]["data"]["plans"]["training_plan"])
    assert json.loads(recorded["recv"])["data"].get("error") == error

    if error is None:
        check_plan(blob)
    else:
        with pytest.raises(InvalidBlob, match=f"^{error}: "):
            check_plan(blob)


def test_a_plan_without_role_is_refused() -> None:
    with pytest.raises(InvalidBlob, match=r"Plan is not valid: it has no role"):
        check_plan(Plan(name="training_plan").SerializeToString())
    with pytest.raises(InvalidBlob, match=r"Plan is not valid: a Plan has no field 15"):
        check_plan(HOSTED.read_bytes() + b"\x7a\x01x")
    with pytest.raises(InvalidBlob, match=r"Plan is not valid: it is empty"):
        check_plan(b"")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_damaged_plan_is_served_or_refused(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(HOSTED.read_bytes())
    for position, value in changes:
        damaged[position % len(damaged)] = value
    try:
        check_plan(bytes(damaged))
        served = variant(bytes(damaged), "tfjs")
    except InvalidBlob as error:
        text = str(error)
    else:
        text = Plan.FromString(served).base_framework
    assert text.startswith(("tfjs", "Plan is not valid", "Failed to translate a Plan"))
