"""Dataset items and a store in memory."""

from collections.abc import Iterable, Iterator
from typing import Any

from data_upload.logic import STATUS_ATTRIBUTES, Item, Sample, Status

DEFAULT_ROWS = 500


def health_item(**changes: object) -> dict[str, object]:
    """Return the dataset of the tutorial as the registration page writes it."""
    item: dict[str, object] = {
        "dataset_id": "Artificien-Health",
        "app": "placeholder",
        "placeholder": "placeholder",
        "logo_image_url": "https://example.com/logo.png",
        "category": "Medical/Health",
        "appURL": "https://apps.apple.com/app/artificien-health",
        "attributes": ["Age", "Sex", "Body Mass Index", "Weekly Step Count"],
        "attributeTypes": ["N", "N", "N", "N"],
        "attributeRangeMins": ["18", "0", "15", "0"],
        "attributeRangeMaxes": ["90", "1", "45", "100000"],
        "attributeDescriptions": ["In years", "0 or 1", "In kg per square metre", "Steps"],
        "numPurchases": 0,
        "owner_username": "ada",
        "properlySetUp": False,
        "hasNode": False,
    }
    return item | changes


def item_of(columns: Iterable[tuple[str, str, str, str]], **changes: object) -> dict[str, object]:
    """Return a dataset of columns (name, type, minimum, maximum)."""
    columns = list(columns)
    ranged = [column for column in columns if column[1] not in ("S", "B")]
    return {
        "dataset_id": "dataset",
        "attributes": [name for name, *_ in columns],
        "attributeTypes": [type_ for _, type_, *_ in columns],
        "attributeRangeMins": [minimum for *_, minimum, _ in ranged],
        "attributeRangeMaxes": [maximum for *_, maximum in ranged],
    } | changes


def typed(value: object) -> dict[str, Any]:
    """Return `value` in DynamoDB's typed JSON."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case list():
            return {"L": [typed(entry) for entry in value]}
    return {"N": str(value)}


def typed_item(item: Item) -> dict[str, dict[str, Any]]:
    """Return `item` in DynamoDB's typed JSON."""
    return {name: typed(value) for name, value in item.items()}


class FakeStore:
    """Datasets and samples in memory. Ids in `broken` cannot be written, as if S3 were down.

    `images` collects the item after each status that changed it, as the stream would.
    """

    def __init__(self, *items: dict[str, object]) -> None:
        self.items = {str(item["dataset_id"]): item for item in items}
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.broken: set[str] = set()
        self.images: list[Item] = []
        self.reads = 0
        self.writes = 0

    def dataset(self, dataset_id: str) -> Item | None:
        """Return a copy of the item."""
        self.reads += 1
        item = self.items.get(dataset_id)
        return None if item is None else dict(item)

    def datasets(self) -> Iterator[Item]:
        """Yield copies of all items."""
        yield from [dict(item) for item in self.items.values()]

    def sample(self, key: str) -> Sample | None:
        """Return the fingerprint and size of the object."""
        self.reads += 1
        if key not in self.objects:
            return None
        sha256, content = self.objects[key]
        return Sample(sha256, len(content))

    def write_sample(
        self, key: str, chunks: Iterable[bytes], *, schema_sha256: str, rows: int
    ) -> int:
        """Keep the object; `rows` must be those of its content."""
        content = b"".join(chunks)
        if key.removesuffix(".csv") in self.broken:
            raise ConnectionError("S3 is down")
        assert content.count(b"\r\n") == rows + 1
        self.objects[key] = (schema_sha256, content)
        self.writes += 1
        return len(content)

    def record_status(self, dataset_id: str, status: Status) -> None:
        """Replace the status of the item unless it has been deleted."""
        if dataset_id not in self.items:
            return
        item = self.items[dataset_id]
        after = {name: value for name, value in item.items() if name not in STATUS_ATTRIBUTES}
        after |= status
        self.writes += 1
        if after != item:
            self.items[dataset_id] = after
            self.images.append(dict(after))
