"""Strings that are plausible for their column, such as cities for a column called "Home city"."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Generator as Faker

_POOL_SIZE = 1_000  # values drawn for a kind; fewer remain where they repeat

# What readers take for a missing value: pandas' list, in lower case.
_MISSING = frozenset(
    [
        "",
        "#n/a",
        "#n/a n/a",
        "#na",
        "-1.#ind",
        "-1.#qnan",
        "-nan",
        "1.#ind",
        "1.#qnan",
        "<na>",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
    ]
)
_BOOLEAN = frozenset(["true", "false"])


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of strings and the words that call for it.

    `words` are looked for in a column's name and description, `name_words` in its name only:
    in a sentence they mean too many things. `make` draws one value with a Faker that has
    `providers`.
    """

    name: str
    words: str
    name_words: str
    providers: str
    make: Callable[["Faker"], str]


def _format(formatter: str) -> Callable[["Faker"], str]:
    return lambda faker: str(faker.format(formatter))


def _choice(*values: str) -> Callable[["Faker"], str]:
    return lambda faker: faker.random.choice(values)


def _moment(pattern: str) -> Callable[["Faker"], str]:
    # Faker's own dates reach up to today. `pattern` has numbers only: names depend on the locale.
    first, seconds = datetime(2015, 1, 1), 10 * 365 * 24 * 60 * 60
    return lambda faker: (first + timedelta(seconds=faker.random.randrange(seconds))).strftime(
        pattern
    )


def _address(faker: "Faker") -> str:
    parts = [faker.format(part) for part in ("street_address", "city", "state_abbr", "postcode")]
    return "{}, {}, {} {}".format(*parts)


def _url(faker: "Faker") -> str:
    return f"https://{faker.format('domain_word')}.example.com/{faker.format('uri_path')}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

# The first kind that fits is taken, so narrower ones precede wider ones. Words are separated by
# commas; an expression of several matches as a whole.
_KINDS = (
    Kind("email", "email,e mail", "mail", "person company internet", _format("ascii_safe_email")),
    Kind(
        "uuid", "uuid,guid,unique identifier", "id,identifier,token,key", "misc", _format("uuid4")
    ),
    Kind("ip", "ip address", "ip", "internet", _format("ipv4")),
    Kind("mac", "mac address", "mac", "internet", _format("mac_address")),
    Kind(
        "username",
        "username,user name,login name,nickname,screen name",
        "login,handle,user",
        "person company internet",
        _format("user_name"),
    ),
    Kind(
        "url",
        "url,uri,website,web site,web page,homepage,hyperlink",
        "link",
        "person company internet lorem",
        _url,
    ),
    Kind(
        "phone",
        "phone number,telephone,mobile number",
        "phone,mobile,cell,tel,fax",
        "phone_number",
        _format("phone_number"),
    ),
    Kind(
        "company",
        "company,employer,organization,organisation",
        "business,brand,manufacturer,vendor,firm",
        "person company",
        _format("company"),
    ),
    Kind(
        "first name",
        "first name,firstname,given name,forename",
        "fname",
        "person",
        _format("first_name"),
    ),
    Kind(
        "last name",
        "last name,lastname,surname,family name",
        "lname",
        "person",
        _format("last_name"),
    ),
    Kind("country code", "country code", "", "address", _format("country_code")),
    Kind("country", "country,nationality", "nation", "address", _format("country")),
    Kind("language", "language", "lang,locale", "person", _format("language_name")),
    Kind("currency", "currency", "", "currency", _format("currency_code")),
    Kind(
        "postcode",
        "zip code,zipcode,postcode,postal code,post code",
        "zip,postal",
        "address",
        _format("zipcode_plus4"),
    ),
    Kind("street", "street name", "street,road", "person address", _format("street_name")),
    Kind(
        "address",
        "home address,street address,postal address,mailing address",
        "address",
        "person address",
        _address,
    ),
    Kind("city", "city,town", "location,place,birthplace", "person address", _format("city")),
    Kind("state", "us state,province", "state,region,county", "address", _format("state")),
    Kind("job", "job,occupation,profession", "position,career,role", "job", _format("job")),
    Kind("color", "color,colour", "", "color", _format("color_name")),
    Kind("sex", "gender", "sex", "", _choice("Female", "Male")),
    Kind(
        "blood type",
        "blood type,blood group",
        "",
        "",
        _choice("A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"),
    ),
    Kind("weekday", "weekday,day of week,day of the week", "day", "", _choice(*_WEEKDAYS)),
    Kind("month", "month name,name of the month", "month", "", _choice(*_MONTHS)),
    Kind(
        "timestamp",
        "timestamp,time stamp,datetime,date and time",
        "date time",
        "",
        _moment("%Y-%m-%dT%H:%M:%S"),
    ),
    Kind("date", "date,birthday", "dob", "", _moment("%Y-%m-%d")),
    Kind("time", "time of day", "time", "", _moment("%H:%M:%S")),
    Kind(
        "name",
        "full name,name of the person,name of the user",
        "name,person,author,artist,contact,owner,customer,patient",
        "person",
        _format("name"),
    ),
    Kind(
        "sentence",
        "sentence,free text",
        "comment,comments,review,message,text,note,notes,description,summary,feedback,bio",
        "lorem",
        _format("sentence"),
    ),
)
_WORD = Kind("word", "", "", "lorem", _format("word"))


def pool(name: str, description: str) -> Sequence[str]:
    """Return the distinct values that a string column of this name and description may take.

    None of them is read as a missing value, a number or a boolean.
    """
    return _pool(kind_of(name, description))


def reads_as_text(value: str) -> bool:
    """Tell whether readers of a CSV file that guess types take `value` for text."""
    bare = value.strip().lower()
    if bare != value.lower() or bare in _MISSING or bare in _BOOLEAN:
        return False
    try:
        float(bare)
    except ValueError:
        return True
    return False


def kind_of(name: str, description: str) -> Kind:
    """Return the kind of strings that a column calls for, of words if for none."""
    name, description = _spaced(name), _spaced(description)
    for kind in _KINDS:
        if _calls_for(kind.words, name) or _calls_for(kind.name_words, name):
            return kind
    for kind in _KINDS:
        if _calls_for(kind.words, description):
            return kind
    return _WORD


def _calls_for(words: str, spaced: str) -> bool:
    return any(f" {word} " in spaced for word in words.split(",") if word)


def _spaced(text: str) -> str:
    """Return the words of `text`, also of camelCase and snake_case, between single blanks."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)
    return f" {' '.join(words).lower()} "


@cache
def _pool(kind: Kind) -> Sequence[str]:
    # Imported here, since it takes longer than everything else and numeric schemas need none.
    from faker import Factory  # noqa: PLC0415 - loaded by those who need it only

    providers = [f"faker.providers.{provider}" for provider in kind.providers.split()]
    faker = Factory.create("en_US", providers=providers)
    # Not `seed`, which is shared by all Fakers of the process.
    faker.seed_instance(int.from_bytes(hashlib.sha256(kind.name.encode()).digest()))
    drawn = dict.fromkeys(kind.make(faker) for _ in range(_POOL_SIZE))
    return tuple(value for value in drawn if reads_as_text(value))
