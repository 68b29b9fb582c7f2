"""Cases and their states (SQLAlchemy: SQLite by default, PostgreSQL)."""
