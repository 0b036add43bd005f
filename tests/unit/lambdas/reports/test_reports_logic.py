"""What reports make of a model in training."""

from dataclasses import replace
from decimal import Decimal

import pytest
from lambda_common.responses import ApiError
from reports.logic import LARGEST, Figures, record_loss, record_progress

from tests.unit.lambdas.reports.fakes import FRESH, NONE_YET, FakeStore

LIMIT = 100
MINUTE = 29_000_000


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: MINUTE * 60 + 1)


def report(loss: float, accuracy: float = -1) -> Figures:
    return Figures.of_report(loss, accuracy)


def means(loss: str, accuracy: str) -> Figures:
    return Figures(Decimal(loss), Decimal(accuracy))


def test_means_of_a_cycle() -> None:
    store = FakeStore()
    for loss, accuracy in ((0.1, 0.5), (0.2, 1), (0.7, 0)):
        record_loss("m", report(loss, accuracy), store, LIMIT)
    model = store.models["m"]
    assert (model.count, model.totals) == (3, means("1", "1.5"))
    assert model.means == means("0.333333333333", "0.5")


@pytest.mark.parametrize("loss", [0.1, 2.5 / 3, 1e-9, 1 / 3e5, -LARGEST, LARGEST, 123456789012.3])
def test_any_figure_can_be_stored(loss: float) -> None:
    store = FakeStore()
    for _ in range(7):
        record_loss("m", report(loss), store, LIMIT)
    model = store.models["m"]
    assert float(model.means.loss) == pytest.approx(loss, abs=1e-12)
    assert model.totals
    for figure in (model.totals.loss, model.means.loss):
        assert len(figure.as_tuple().digits) <= 38


def test_reports_between_sum_and_means_are_in_the_means() -> None:
    store = FakeStore()
    record_loss("m", report(1), store, LIMIT)

    def other() -> None:
        record_loss("m", report(6), store, LIMIT)

    def before_the_means() -> None:
        store.meanwhile = other

    store.meanwhile = before_the_means
    record_loss("m", report(2), store, LIMIT)
    assert store.models["m"].count == 3
    assert store.models["m"].means == means("3", "-1")


def test_means_without_totals_count_as_they_are() -> None:
    store = FakeStore(replace(FRESH, count=3, means=means("0.4", "-1")))
    record_loss("m", report(0.8), store, LIMIT)
    assert store.models["m"].means == means("0.5", "-1")


@pytest.mark.parametrize(
    "model",
    [
        replace(FRESH, percent=100),
        replace(FRESH, percent=-1),
        replace(FRESH, active=False),
    ],
)
def test_a_model_that_is_not_in_training(model: object) -> None:
    store = FakeStore()
    store.models = {"m": model}  # type: ignore[dict-item] # of a parameter
    with pytest.raises(ApiError, match="the model m is not in training") as raised:
        record_loss("m", report(1), store, LIMIT)
    assert (raised.value.status, raised.value.code) == (409, "not_in_training")
    assert store.models == {"m": model}


def test_an_unknown_model() -> None:
    for percent in (0, 50, 100):
        with pytest.raises(ApiError, match="there is no model n") as raised:
            record_progress("n", percent, FakeStore())
        assert (raised.value.status, raised.value.code) == (404, "unknown_model")
    with pytest.raises(ApiError, match="there is no model n"):
        record_loss("n", report(1), FakeStore(), LIMIT)


def test_a_model_that_is_complete_meanwhile() -> None:
    store = FakeStore()
    store.meanwhile = lambda: store.models.update(m=replace(FRESH, percent=100))
    with pytest.raises(ApiError, match="not in training"):
        record_loss("m", report(1), store, LIMIT)


def test_a_model_takes_so_many_reports_in_a_minute() -> None:
    store = FakeStore(replace(FRESH, minute=MINUTE - 1, minute_count=LIMIT))
    for _ in range(LIMIT):
        record_loss("m", report(1), store, LIMIT)
    with pytest.raises(ApiError, match="the model m gets too many reports: try again") as raised:
        record_loss("m", report(1), store, LIMIT)
    assert (raised.value.status, raised.value.code) == (429, "too_many_reports")
    assert store.models["m"].count == LIMIT


def test_a_minute_that_another_clock_began_is_not_taken_back() -> None:
    store = FakeStore(replace(FRESH, minute=MINUTE + 1, minute_count=5))
    record_loss("m", report(1), store, LIMIT)
    assert (store.models["m"].minute, store.models["m"].minute_count) == (MINUTE + 1, 6)


def test_a_minute_that_begins_meanwhile() -> None:
    store = FakeStore()

    def other() -> None:
        store.models["m"] = replace(FRESH, minute=MINUTE, minute_count=1)

    store.meanwhile = other
    record_loss("m", report(1), store, LIMIT)
    assert store.models["m"].minute_count == 2


def test_a_new_cycle_keeps_the_means_until_it_has_its_own() -> None:
    store = FakeStore()
    record_loss("m", report(0.5, 0.25), store, LIMIT)
    assert record_progress("m", 40, store)
    assert (store.models["m"].count, store.models["m"].means) == (0, means("0.5", "0.25"))
    record_loss("m", report(3, 1), store, LIMIT)
    assert (store.models["m"].count, store.models["m"].means) == (1, means("3", "1"))


@pytest.mark.parametrize("percent", [0, 20, 40])
def test_progress_never_goes_back(percent: int) -> None:
    model = replace(FRESH, percent=40, count=2, totals=means("3", "-2"))
    store = FakeStore(model)
    assert not record_progress("m", percent, store)
    assert (store.models, store.queue) == ({"m": model}, [])


def test_a_complete_model_is_queued_once() -> None:
    store = FakeStore(replace(FRESH, percent=80))
    assert record_progress("m", 100, store)
    assert not record_progress("m", 100, store)
    assert not record_progress("m", 90, store)
    assert store.queue == ["m"]


def test_a_retrieval_that_was_not_queued_is_queued_when_the_node_repeats_itself() -> None:
    store = FakeStore(replace(FRESH, percent=100, means=NONE_YET))
    assert not record_progress("m", 100, store)
    assert store.queue == ["m"]
