"""What readers find in a generated file, above all `pandas.read_csv` with its defaults."""

import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_upload.sample_generator import csv_chunks, csv_stream, parse_schema, strings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.lambdas.data_upload.fakes import DEFAULT_ROWS, health_item, item_of, typed_item

# Of the tutorial's dataset. If numpy or Faker changes it, raise GENERATOR_VERSION with it.
# pragma: allowlist nextline secret
HEALTH_SHA256 = "84f8d225544ad9b294ff7ac734e0863c01975668042e7c052466cc43f8d125dd"
# pragma: allowlist nextline secret
STRINGS_SHA256 = "52e16c8ead73a22159626272e02b3b23610a2914da6f25063f33d7ac932db69d"

LAMBDAS = str(Path(__file__).parents[4] / "lambdas")

ONE_OF_EACH_KIND = [(kind.name, "S", "", "") for kind in strings._KINDS]

INT64 = np.iinfo(np.int64)
# By name, since type checkers know nothing of this module.
MISSING_VALUES: set[str] = importlib.import_module("pandas._libs.parsers").STR_NA_VALUES


def csv_of(item: dict[str, object]) -> bytes:
    return b"".join(csv_chunks(parse_schema(item, DEFAULT_ROWS)))


def frame_of(item: dict[str, object]) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(csv_of(item)))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_golden_health_dataset() -> None:
    content = csv_of(health_item())
    assert content.startswith(b"Age,Sex,Body Mass Index,Weekly Step Count\r\n")
    assert digest(content) == HEALTH_SHA256


def test_golden_strings_of_every_kind() -> None:
    assert digest(csv_of(item_of([*ONE_OF_EACH_KIND, ("other", "S", "", "")]))) == STRINGS_SHA256


def test_same_bytes_in_every_process(tmp_path: Path) -> None:
    item = health_item(
        attributes=["Age", "Weight", "Huge", *(name for name, *_ in ONE_OF_EACH_KIND)],
        attributeTypes=["N", "F", "F", *(["S"] * len(ONE_OF_EACH_KIND))],
        attributeRangeMins=["1", "40", "-1e300"],
        attributeRangeMaxes=["99", "120.5", "1e300"],
        attributeDescriptions=[],
    )
    path = tmp_path / "item.json"
    path.write_text(json.dumps(typed_item(item)))
    command = [sys.executable, "-m", "data_upload.sample_generator", str(path)]
    outputs = [
        subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": LAMBDAS} | environment,
            check=True,
            capture_output=True,
        ).stdout
        for environment in (
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            {"PYTHONHASHSEED": "2", "TZ": "America/Los_Angeles", "LC_ALL": "tr_TR.UTF-8"},
        )
    ]
    assert outputs[0] == outputs[1] == csv_of(item)


def test_command_line_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "item.json"
    path.write_text(json.dumps({"Item": typed_item(health_item(attributes=[]))}))
    done = subprocess.run(
        [sys.executable, "-m", "data_upload.sample_generator", str(path)],
        env=os.environ | {"PYTHONPATH": LAMBDAS},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("attributes is empty")


def test_types_that_readers_find() -> None:
    frame = frame_of(
        item_of(
            [
                ("whole", "N", "1", "9"),
                ("decimal", "N", "1", "9.5"),
                ("float", "F", "1", "9"),
                ("flag", "B", "", ""),
                ("text", "S", "", ""),
            ]
        )
    )
    assert [dtype.name for dtype in frame.dtypes] == ["int64", "float64", "float64", "int64", "str"]
    assert set(frame["whole"]) == set(range(1, 10))
    assert set(frame["flag"]) == {0, 1}
    assert frame["decimal"].between(1, 9.5).all()
    assert len(frame) == DEFAULT_ROWS


def test_values_are_spread_evenly() -> None:
    frame = frame_of(
        item_of(
            [("N", "N", "-20000", "20000"), ("F", "F", "-1", "1"), ("B", "B", "", "")],
            num_devices=50_000,
        )
    )
    assert abs(frame["N"].mean()) < 200
    assert abs(frame["N"].std() - 40000 / 12**0.5) < 200
    assert abs(frame["F"].mean()) < 0.01
    assert abs(frame["F"].std() - 2 / 12**0.5) < 0.01
    assert abs(frame["B"].mean() - 0.5) < 0.01
    assert abs(frame.corr().to_numpy() - np.eye(3)).max() < 0.02


names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.sampled_from("\ufeff,\"\r\n\t #'"),
    min_size=1,
)


@given(
    st.lists(names, min_size=1, max_size=4, unique=True),
    st.sampled_from(["S", "B", "N", "F"]),
    st.integers(1, 3),
)
@example([" "], "B", 1)
@example(["\ufeff"], "S", 1)
@example(["\ufeffa", "b"], "N", 1)
@example(["a", "a.1", "Unnamed: 0"], "F", 1)
@example(["NA", "None", "1", "#"], "N", 1)
@example(["a\rb", "a\nb", "a\r\nb", 'a"b'], "S", 1)
def test_every_name_survives(columns: list[str], type_: str, rows: int) -> None:
    frame = frame_of(item_of([(name, type_, "0", "5") for name in columns], num_devices=rows))
    assert list(frame.columns) == columns
    assert len(frame) == rows
    assert list(frame.index) == list(range(rows))


bounds = st.tuples(st.integers(INT64.min, INT64.max), st.integers(INT64.min, INT64.max)).map(sorted)


@given(
    bounds | st.tuples(st.integers(-2000, 2000), st.integers(0, 5000)).map(lambda t: [t[0], sum(t)])
)
@example([INT64.min, INT64.max])
@example([INT64.min, INT64.min])
@example([INT64.max - 3, INT64.max])
@example([0, 9999])
@example([-10000, 10000])
def test_whole_numbers(bound: list[int]) -> None:
    frame = frame_of(item_of([("a", "N", str(bound[0]), str(bound[1]))], num_devices=50))
    assert frame["a"].dtype == np.int64
    assert frame["a"].between(bound[0], bound[1]).all()


finite = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 10**308)
LARGEST = Decimal("1.7976931348623157e308")


@given(st.tuples(finite, finite).map(sorted))
@example([Decimal("-0.05"), Decimal("0.05")])
@example([Decimal("1e-320"), Decimal("1e-310")])
@example([-LARGEST, LARGEST])
@example([Decimal("9223372036854775806"), Decimal("9223372036854775808")])
@example([Decimal("3.7"), Decimal("3.7")])
@example([Decimal("0.1234567890123456789"), Decimal("0.1234567890123456789")])
def test_floats(bound: list[Decimal]) -> None:
    content = csv_of(item_of([("a", "F", str(bound[0]), str(bound[1]))], num_devices=50))
    frame = pd.read_csv(io.BytesIO(content))
    assert frame["a"].dtype == np.float64
    values = [float(line) for line in content.decode().split()[1:]]
    assert all(float(bound[0]) <= value <= float(bound[1]) for value in values)
    # pandas' default parser may be off by the last bit.
    np.testing.assert_allclose(frame["a"], values, rtol=5e-16)


def test_spread_over_more_than_the_largest_float() -> None:
    values = frame_of(item_of([("a", "F", str(-LARGEST), str(LARGEST))]))["a"]
    assert values.nunique() == DEFAULT_ROWS
    assert abs((values > 0).mean() - 0.5) < 0.1


@pytest.mark.parametrize(
    ("type_", "minimum", "maximum", "values"),
    [
        ("N", "-2", "1", {"-2", "-1", "0", "1"}),
        ("N", "5.0", "6", {"5", "6"}),
        ("N", "1e3", "1001", {"1000", "1001"}),
        ("N", "7", "7", {"7"}),
        ("N", "3.70", "3.70", {"3.7"}),
        ("F", "7", "7", {"7.0"}),
        ("F", "-0.5", "-0.5", {"-0.5"}),
        ("F", "12345.00678", "12345.00678", {"12345.00678"}),
        ("N", "10009", "10009", {"10009"}),
        ("N", "9223372036854775808", "9223372036854775808", {"9.223372036854776e+18"}),
    ],
)
def test_exact_texts(type_: str, minimum: str, maximum: str, values: set[str]) -> None:
    content = csv_of(item_of([("a", type_, minimum, maximum)]))
    assert set(content.decode().split("\r\n")[1:-1]) == values


def test_digits_of_large_numbers() -> None:
    # What is drawn is what is printed: the draws alone, repeated with numpy.
    item = item_of([("a", "N", "-123456789012", "9876543210987")], num_devices=20_000)
    drawn = csv_stream._generator("dataset", "a").integers(
        -123456789012, 9876543210987, size=20_000, endpoint=True
    )
    assert csv_of(item) == b"a\r\n" + b"".join(b"%d\r\n" % value for value in drawn)


def test_quoted_only_where_needed() -> None:
    header = csv_of(item_of([(name, "B", "", "") for name in ("a b", "c,d", 'e"f', "ü;'")]))
    assert header.split(b"\r\n")[0] == 'a b,"c,d","e""f",ü;\''.encode()


def test_lines_end_alike_and_file_has_no_bom() -> None:
    content = csv_of(item_of([("Address", "S", "", ""), ("é", "N", "0", "9")]))
    assert content.startswith("Address,é\r\n".encode())
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") == 501
    assert b"\0" not in content


def test_other_columns_make_no_difference() -> None:
    def column(others: int) -> pd.DataFrame:
        columns = [("Age", "N", "0", "99"), ("Weight", "F", "1", "2"), ("City", "S", "", "")]
        columns += [(f"other {number}", "B", "", "") for number in range(others)]
        return frame_of(item_of(columns, num_devices=30_000))[["Age", "Weight", "City"]]

    pd.testing.assert_frame_equal(column(0), column(200))


def test_dataset_and_name_make_a_difference() -> None:
    item = item_of([("a", "N", "0", "99999"), ("b", "N", "0", "99999")])
    frame = frame_of(item)
    assert (frame["a"] != frame["b"]).any()
    assert (frame["a"] != frame_of(item | {"dataset_id": "other"})["a"]).any()


@settings(max_examples=10)
@given(st.integers(1, 5000))
def test_chunk_size_makes_no_difference(chunk_bytes: int) -> None:
    columns = [
        ("a", "N", "0", "99"),
        ("b", "N", "0", "99999999999"),
        ("c", "F", "0", "1"),
        ("d", "S", "", ""),
    ]
    item = item_of([*columns, ("e", "F", "-1e300", "1e300")], num_devices=700)
    expected = csv_of(item)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_stream, "_CHUNK_BYTES", chunk_bytes)
        assert csv_of(item) == expected


def test_more_rows_continue_the_same_columns() -> None:
    columns = [("a", "N", "0", "99"), ("b", "S", "", "")]
    short = csv_of(item_of(columns, num_devices=10))
    assert csv_of(item_of(columns, num_devices=50_000)).startswith(short)


def test_streams_in_bounded_chunks() -> None:
    item = item_of([("a", "N", "0", "99999"), ("b", "S", "", "")], num_devices=200_000)
    chunks = list(csv_chunks(parse_schema(item, DEFAULT_ROWS)))
    assert len(chunks) > 3
    assert max(map(len, chunks)) <= csv_stream._CHUNK_BYTES
    assert b"".join(chunks).count(b"\r\n") == 200_001


@pytest.mark.parametrize("value", sorted(MISSING_VALUES))
@pytest.mark.parametrize("change", [str, str.lower, str.upper, "{} ".format, " {}".format])
def test_missing_values_of_pandas_are_no_text(value: str, change: Callable[[str], str]) -> None:
    assert not strings.reads_as_text(change(value))


@pytest.mark.parametrize(
    "value", ["1", "-1.5", "1e5", "inf", "-Infinity", "True", "false", "", " ", " a", "a ", "12345"]
)
def test_what_readers_take_for_something_else_is_no_text(value: str) -> None:
    assert not strings.reads_as_text(value)


@pytest.mark.parametrize("value", ["Nancy", "1-2", "2020-01-02", "12:30", "A+", "truely", "a b"])
def test_text(value: str) -> None:
    assert strings.reads_as_text(value)


@pytest.mark.parametrize("kind", [*strings._KINDS, strings._WORD], ids=lambda kind: kind.name)
def test_pool_is_read_as_text(kind: strings.Kind) -> None:
    values = strings._pool(kind)
    assert len(values) >= 2
    assert len(set(values)) == len(values)
    # Each in a column of its own, so that the reader's guess rests on it alone.
    header = b",".join(b"c%d" % number for number in range(len(values)))
    row = b",".join(map(csv_stream._field, values))
    frame = pd.read_csv(io.BytesIO(header + b"\r\n" + row + b"\r\n"))
    assert frame.iloc[0].tolist() == list(values)
    assert {dtype.name for dtype in frame.dtypes} == {"str"}


@pytest.mark.parametrize(
    ("name", "description", "kind"),
    [
        ("Email", "", "email"),
        ("contact", "E-mail of the user", "name"),
        ("x", "The user's e-mail", "email"),
        ("userName", "", "username"),
        ("first_name", "", "first name"),
        ("Last Name", "", "last name"),
        ("Company name", "", "company"),
        ("Home City", "", "city"),
        ("homeAddress", "", "address"),
        ("Email address", "", "email"),
        ("IP address", "", "ip"),
        ("Country Code", "", "country code"),
        ("country", "Where they live", "country"),
        ("Job", "", "job"),
        ("Favourite colour", "", "color"),
        ("preferredLanguage", "", "language"),
        ("Date of birth", "", "date"),
        ("signupTimestamp", "", "timestamp"),
        ("Phone", "", "phone"),
        ("profile_url", "", "url"),
        ("device UUID", "", "uuid"),
        ("deviceID", "", "uuid"),
        ("gender", "", "sex"),
        ("q1", "Country of residence", "country"),
        ("velocity", "", "word"),
        ("q2", "The name of what they chose at that time", "word"),
        ("", "", "word"),
    ],
)
def test_kind_of_strings(name: str, description: str, kind: str) -> None:
    assert strings.kind_of(name, description).name == kind


def test_pools_fit_their_kind() -> None:
    assert all("@example." in value for value in strings.pool("email", ""))
    assert "France" in strings.pool("country", "")
    assert all("2015" <= value < "2025" for value in strings.pool("date", ""))


def test_numbers_need_no_faker() -> None:
    code = (
        "import sys; from data_upload.sample_generator import csv_chunks, parse_schema\n"
        f"list(csv_chunks(parse_schema({health_item()!r}, 5)))\n"
        "assert 'faker' not in sys.modules and 'boto3' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": LAMBDAS}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
