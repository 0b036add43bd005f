"""PostgreSQL: the tables, the connections and the migrations."""
