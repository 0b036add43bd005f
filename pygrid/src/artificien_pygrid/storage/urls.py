"""Database URLs in the forms that SQLAlchemy and libpq want."""

from sqlalchemy import URL, make_url


def sqlalchemy_url(url: str) -> URL:
    """The URL with the psycopg driver, whichever PostgreSQL scheme it was given with."""
    _, separator, rest = url.partition("://")
    return make_url(f"postgresql+psycopg{separator}{rest}")


def libpq_url(url: str) -> str:
    """The URL as libpq knows it."""
    _, separator, rest = url.partition("://")
    return f"postgresql{separator}{rest}"
