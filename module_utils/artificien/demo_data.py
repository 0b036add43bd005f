"""Users, datasets and models to try the platform with: the same for the same numbers and seed."""

from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.reconcile import ReconcileError

# pandas and Faker take most of a second to import, and a run that makes nothing needs neither:
# only the functions that make something import them.
if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Raised with every change of what the same numbers make, so that older files are made anew.
GENERATOR_VERSION = 1

# A date in the past that never moves: data that is made again later is the same.
LAST_DAY = "2025-06-30"
DAYS = 365
PLATFORM_DATASET = "Artificien-Health"
MOST_BOUGHT = 4
SHARE_SET_UP = 0.75
SHARE_COMPLETED = 0.4
KEY_BYTES = 16
WORD_STARTS = re.compile("(?<=[a-z])(?=[A-Z])")
NONE_YET = -1
DOMAINS = ("example.com", "example.net", "example.org")


@dataclass(frozen=True)
class Attribute:
    """A column of a dataset; numbers have a range."""

    name: str
    description: str
    minimum: float | None = None
    maximum: float | None = None


AGE = Attribute("Age", "Age of the user in years", 13, 99)
CITY = Attribute("City", "City that the user lives in")
SESSIONS = Attribute("Weekly Sessions", "Times the app was opened in the last week", 0, 60)
MINUTES = Attribute("Daily Minutes", "Minutes in the app a day", 0, 300)
GENERAL = (AGE, CITY, SESSIONS, MINUTES)

# What the registration form offers: category, a word for an app's name, and what such apps know.
CATALOGUE: dict[str, tuple[str, tuple[Attribute, ...]]] = {
    "Medical/Health": (
        "Health",
        (
            Attribute("Resting Heart Rate", "Beats a minute at rest", 40, 110),
            Attribute("Sleep Hours", "Hours of sleep a night", 3, 11.5),
            Attribute("Weekly Step Count", "Steps in the last week", 0, 150000),
        ),
    ),
    "Navigation/Location": (
        "Maps",
        (
            Attribute("Commute Minutes", "Minutes from home to work", 0, 180),
            Attribute("Weekly Distance", "Kilometres travelled in the last week", 0, 2500),
            Attribute("Favorite Place", "Place that is visited most"),
        ),
    ),
    "Music/Media": (
        "Music",
        (
            Attribute("Songs Played", "Songs played in the last week", 0, 1200),
            Attribute("Skip Rate", "Share of songs that are skipped", 0, 1),
            Attribute("Favorite Artist", "Artist that is played most"),
        ),
    ),
    "News": (
        "News",
        (
            Attribute("Articles Read", "Articles read in the last week", 0, 200),
            Attribute("Reading Minutes", "Minutes spent on an article", 0.5, 20),
        ),
    ),
    "Financial/Shopping": (
        "Wallet",
        (
            Attribute("Monthly Spending", "Spending in the last month in dollars", 0, 8000),
            Attribute("Basket Size", "Articles in a purchase", 1, 40),
            Attribute("Favorite Shop", "Shop of most purchases"),
        ),
    ),
    "Lifestyle/Social": (
        "Diary",
        (
            Attribute("Friends", "Number of friends", 0, 2000),
            Attribute("Mood", "Mood from 1, bad, to 10, good", 1, 10),
        ),
    ),
    "Gaming": (
        "Quest",
        (
            Attribute("Level", "Highest level reached", 1, 100),
            Attribute("Win Rate", "Share of games that are won", 0, 1),
        ),
    ),
    "Other": (
        "Helper",
        (
            Attribute("Battery Level", "Charge of the battery in percent", 0, 100),
            Attribute("Temperature", "Temperature at home in degrees Celsius", -10, 40),
        ),
    ),
}
TASKS = ("churn", "forecast", "ranking", "score", "segments", "trend")


def check_numbers(users: int, datasets: int, models: int, seed: int) -> None:
    """Refuse numbers that no consistent data can be made of.

    Raises:
        ReconcileError: with the option to change.
    """
    for name, number in (("users", users), ("datasets", datasets), ("models", models)):
        if number < 0:
            raise ReconcileError(f"{name} is {number}. Write 0 or more.")
    if seed < 0:
        raise ReconcileError(f"seed is {seed}. Write 0 or more.")
    if datasets and not users:
        raise ReconcileError(
            f"datasets is {datasets}, but users is 0, and each dataset has an owner. Ask for at "
            "least one user, or for no datasets."
        )
    if models and not datasets:
        raise ReconcileError(
            f"models is {models}, but datasets is 0, and each model is made on a dataset that its "
            "owner has bought. Ask for at least one dataset, or for no models."
        )


def make_data(users: int, datasets: int, models: int, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Make items of the platform's three tables that refer to one another."""
    import numpy as np  # noqa: PLC0415 - costly, and a no-op run does without
    from faker import Faker  # noqa: PLC0415 - costly, and a no-op run does without

    def numbers(table: int) -> np.random.Generator:
        return np.random.default_rng([seed, table])

    fake = Faker("en_US")
    fake.seed_instance(seed)
    people = _people(users, fake, numbers(0))
    # Each table has random numbers of its own, so that more users do not rename the datasets.
    fake.seed_instance(seed)
    apps = _apps(datasets, [user["username"] for user in people], fake, numbers(1))
    purchases = _purchases(people, apps, numbers(2))
    bought = purchases.groupby("username", sort=False)["dataset_id"].agg(list).to_dict()
    buyers = purchases["dataset_id"].value_counts().to_dict()
    return {
        "users": [
            {**user, "datasets_purchased": [PLATFORM_DATASET, *bought.get(user["username"], [])]}
            for user in people
        ],
        "datasets": [{**app, "numPurchases": int(buyers[app["dataset_id"]])} for app in apps],
        "models": _models(models, apps, purchases, numbers(3)),
    }


class _Unique:
    """Makes names differ by a number where they would repeat."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._uses: Counter[str] = Counter()

    def __call__(self, name: str) -> str:
        unique = name
        while self._uses[unique]:
            self._uses[name] += 1
            unique = f"{name}{self._separator}{self._uses[name]}"
        self._uses[unique] += 1
        return unique


def _people(count: int, fake: Any, rng: np.random.Generator) -> list[dict[str, Any]]:
    unique = _Unique("")
    people = []
    for _ in range(count):
        letters = filter(str.isalpha, f"{fake.first_name()}{fake.last_name()}")
        username = unique("".join(letters).lower())
        email = f"{username}@{rng.choice(DOMAINS)}"
        api_key = base64.urlsafe_b64encode(rng.bytes(KEY_BYTES)).decode().rstrip("=")
        people.append(
            {
                "user_id": email,
                "user_account_email": email,
                "username": username,
                "has_onboarded": "0",
                "role": "0",
                "api_key": api_key,
            }
        )
    return people


def _apps(
    count: int, owners: list[str], fake: Any, rng: np.random.Generator
) -> list[dict[str, Any]]:
    unique = _Unique(" ")
    apps = []
    for _ in range(count):
        category = str(rng.choice(list(CATALOGUE)))
        noun, special = CATALOGUE[category]
        general = rng.permutation(len(GENERAL))[: rng.integers(1, len(GENERAL) + 1)]
        columns = [*(GENERAL[index] for index in sorted(general)), *special]
        ranged = [column for column in columns if column.maximum is not None]
        apps.append(
            {
                "dataset_id": unique(f"{WORD_STARTS.sub(' ', fake.color_name())} {noun}"),
                "app": "placeholder",
                "placeholder": "placeholder",
                "logo_image_url": "https://example.com/logo.png",
                "category": category,
                "appURL": f"https://apps.apple.com/us/app/id{rng.integers(10**8, 10**9)}",
                "attributes": [column.name for column in columns],
                "attributeTypes": ["N" if column in ranged else "S" for column in columns],
                "attributeRangeMins": [str(column.minimum) for column in ranged],
                "attributeRangeMaxes": [str(column.maximum) for column in ranged],
                "attributeDescriptions": [column.description for column in columns],
                "owner_username": owners[rng.integers(len(owners))],
                "properlySetUp": bool(rng.random() < SHARE_SET_UP),
                "hasNode": False,
            }
        )
    return apps


def _purchases(
    people: list[dict[str, Any]], apps: list[dict[str, Any]], rng: np.random.Generator
) -> pd.DataFrame:
    """Return who has which dataset: owners their own, and others what the marketplace lists."""
    import pandas as pd  # noqa: PLC0415 - costly, and a no-op run does without

    pairs = [(app["owner_username"], app["dataset_id"]) for app in apps]
    listed = [app["dataset_id"] for app in apps if app["properlySetUp"]]
    for user in people:
        count = min(int(rng.integers(MOST_BOUGHT + 1)), len(listed))
        chosen = rng.choice(len(listed), size=count, replace=False)
        pairs += [(user["username"], listed[index]) for index in chosen]
    return pd.DataFrame(pairs, columns=["username", "dataset_id"]).drop_duplicates()


def _models(
    count: int, apps: list[dict[str, Any]], purchases: pd.DataFrame, rng: np.random.Generator
) -> list[dict[str, Any]]:
    if not count:
        return []
    import numpy as np  # noqa: PLC0415 - costly, and a no-op run does without
    import pandas as pd  # noqa: PLC0415 - costly, and a no-op run does without

    made = purchases.iloc[rng.integers(len(purchases), size=count)].reset_index(drop=True)
    made["task"] = rng.choice(TASKS, count)
    # A user's next model of a task is its next version, which also makes the ids unique.
    edition = made.groupby(["username", "task"]).cumcount() + 1
    made["version"] = edition.astype(str) + ".0"
    made["completed"] = rng.random(count) < SHARE_COMPLETED
    made["percent"] = np.where(made["completed"], 100, rng.integers(100, size=count))
    made["devices"] = np.where(made["completed"], 0, rng.integers(1, 40, size=count))
    days = pd.to_timedelta(rng.integers(DAYS, size=count), unit="D")
    made["submitted"] = (pd.Timestamp(LAST_DAY) - days).strftime("%Y-%m-%d")
    made["loss"] = rng.uniform(0.01, 2.5, count).round(4)
    made["accuracy"] = rng.uniform(0.5, 0.99, count).round(4)
    columns = {app["dataset_id"]: app["attributes"] for app in apps}
    return [_model(row, columns[row["dataset_id"]], rng) for row in made.to_dict("records")]


def _model(row: dict[Any, Any], columns: list[str], rng: np.random.Generator) -> dict[str, Any]:
    model_id = f"{row['task']}-{row['version']}-{row['username']}"
    label, *others = rng.permutation(len(columns))
    features = sorted(others[: rng.integers(1, len(others) + 1)])
    trained = row["percent"] > 0
    model = {
        "model_id": model_id,
        "active_status": 0 if row["completed"] else 1,
        "version": row["version"],
        "dataset": row["dataset_id"],
        "date_submitted": row["submitted"],
        "owner_name": row["username"],
        "percent_complete": int(row["percent"]),
        "devices_trained_this_cycle": int(row["devices"]) if trained else 0,
        "loss_this_cycle": row["loss"] if trained else NONE_YET,
        "acc_this_cycle": row["accuracy"] if trained else NONE_YET,
        "features": [columns[index] for index in features],
        "labels": [columns[label]],
        "node_URL": "node.example.com",
    }
    if row["completed"]:
        model["download_link"] = f"https://models.example.com/{row['username']}/{model_id}.pkl"
    return model
