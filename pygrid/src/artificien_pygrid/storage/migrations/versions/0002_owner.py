"""Who hosted a model."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nobody is known to own what is hosted already."""
    op.add_column("processes", sa.Column("owner", sa.Text))


def downgrade() -> None:
    """Forget who hosted what."""
    op.drop_column("processes", "owner")
