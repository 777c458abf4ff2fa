from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks.watch.statement import LONGEST, statement_name


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT orders.id FROM orders WHERE orders.id = ?", "SELECT orders"),
        ("select * from Orders", "SELECT Orders"),
        ("  \n SELECT 1", "SELECT"),
        ("SELECT now()", "SELECT"),
        ("SELECT count(*) FROM shop.orders AS o JOIN items i ON TRUE", "SELECT shop.orders"),
        ("SELECT extract(year FROM created) FROM orders", "SELECT orders"),
        ("SELECT a IS DISTINCT FROM b FROM orders", "SELECT orders"),
        ("SELECT DISTINCT a FROM ONLY orders", "SELECT orders"),
        ("SELECT x FROM (SELECT id AS x FROM orders) AS anon_1", "SELECT orders"),
        ("SELECT x FROM (orders JOIN items ON TRUE)", "SELECT orders"),
        ("SELECT x FROM (VALUES (1, 'secret')) AS v", "SELECT"),
        ("(SELECT a FROM orders) UNION (SELECT a FROM archive)", "SELECT orders"),
        ("SELECT a, (SELECT max(b) FROM items) FROM orders", "SELECT orders"),
        ("SELECT x FROM json_each(?)", "SELECT json_each"),
        ("INSERT INTO orders (id, name) VALUES (%(id)s, %(name)s)", "INSERT orders"),
        ("INSERT OR IGNORE INTO orders VALUES (1)", "INSERT orders"),
        ("REPLACE INTO orders VALUES (1)", "REPLACE orders"),
        ("UPDATE orders SET name = 'secret'", "UPDATE orders"),
        ("UPDATE ONLY shop.orders SET name = $1", "UPDATE shop.orders"),
        ("UPDATE OR ROLLBACK orders SET a = 1", "UPDATE orders"),
        ("DELETE FROM orders WHERE name = 'secret'", "DELETE orders"),
        ("MERGE INTO orders USING news ON TRUE", "MERGE orders"),
        ("TRUNCATE TABLE orders", "TRUNCATE orders"),
        ("CREATE TABLE IF NOT EXISTS orders (id INTEGER)", "CREATE orders"),
        ("CREATE UNIQUE INDEX by_name ON orders (name)", "CREATE"),
        ("DROP TABLE orders", "DROP orders"),
        ("WITH RECURSIVE a AS (SELECT 1 FROM b) SELECT * FROM orders", "SELECT orders"),
        ("WITH a AS (SELECT 1) INSERT INTO orders SELECT * FROM a", "INSERT orders"),
        ("WITH a AS (SELECT 1)", "WITH"),
        ("PRAGMA table_info('secret')", "PRAGMA"),
        ("SET password = 'secret'", "SET"),
        ("EXPLAIN SELECT * FROM orders", "EXPLAIN"),
        ("COPY orders FROM STDIN", "COPY"),
        ("/* who: secret */ SELECT * FROM orders", "SELECT orders"),
        ("-- FROM secret\nSELECT * -- FROM secret\r\nFROM orders", "SELECT orders"),
        ("SELECT '''; FROM secret' FROM orders", "SELECT orders"),
        ('SELECT * FROM "Order"', "SELECT Order"),
        ('SELECT * FROM "shop"."Order" o', "SELECT shop.Order"),
        ('SELECT "FROM secret" FROM orders', "SELECT orders"),
        ("SELECT * FROM straße", "SELECT straße"),
        ("SELECT a[1], b -> 'c', d::text, :e FROM orders", "SELECT orders"),
        ("SELECT id FROM orders;", "SELECT orders"),
        ("", "SQL"),
        ("secret", "SQL"),
        ("'secret'", "SQL"),
        ("hunter2 FROM orders", "SQL"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_its_main_table(statement: str, name: str) -> None:
    assert statement_name(statement) == name


@pytest.mark.parametrize(
    "statement",
    [
        # MySQL's escapes: one literal to the end, or another dialect's end of it.
        r"SELECT 'a\' FROM secret -- ' FROM orders",
        r'SELECT "a\" FROM secret -- " FROM orders',
        # PostgreSQL's and Oracle's other ways to write one.
        "SELECT $$ FROM secret $$ FROM orders",
        "SELECT $tag$ FROM secret $tag$ FROM orders",
        "SELECT E'' FROM secret' FROM orders",
        "SELECT q'[it's FROM secret]' FROM orders",
        # Comments that are none elsewhere, or that go on.
        "SELECT 1 # ' \n FROM secret",
        "SELECT 5--' \n FROM secret",
        "SELECT 1 -- \r FROM secret",
        "SELECT /* /* */ FROM secret */ 1 FROM orders",
        "SELECT 1 /*!50000 + ' */ FROM secret ' */ FROM orders",
        # Quotes within quotes, and quotes without an end.
        "SELECT [a 's], ' FROM secret '",
        "SELECT `a ' b`, ' FROM secret '",
        "SELECT 'FROM secret",
        "SELECT * FROM 'secret'",
        "SELECT * FROM `secret`",
        "SELECT * FROM [secret]",
        "SELECT * FROM :secret",
        "SELECT * FROM 4711",
        f"SELECT * FROM {'a' * 101}",
    ],
)
def test_where_it_is_not_plain_what_is_a_literal_the_verb_stands_alone(statement: str) -> None:
    assert statement_name(statement) == "SELECT"


@pytest.mark.parametrize(("quote", "name"), [("`", "SELECT Order"), ('"', "SELECT")])
def test_a_quoted_table_is_named_where_the_dialect_quotes_names_so(quote: str, name: str) -> None:
    assert statement_name("SELECT * FROM `Order`", quote) == name
    # There the other quotes may be those of a literal.
    assert statement_name('SELECT * FROM "secret"', "`") == "SELECT"
    assert statement_name("SELECT * FROM [shop].[Order]", "[") == "SELECT shop.Order"


def test_of_a_long_statement_only_the_beginning_is_looked_at() -> None:
    many = ", ".join(f"orders.column_{n}" for n in range(1000))

    assert statement_name(f"SELECT {many} FROM orders") == "SELECT"
    assert statement_name(f"INSERT INTO orders ({many}) VALUES (1)") == "INSERT orders"
    # A name that the cut goes through is none.
    assert statement_name(f"SELECT {'a' * (LONGEST - 17)} FROM orders, b") == "SELECT"


_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_COLUMN = "a, (b), 'c', \"d\", 1.5, $1, :e, %(f)s, g(h)"


@given(_VALUES.map(lambda text: f"xx {text} FROM zzsecret '' "), st.sampled_from(["", " -- "]))
def test_no_text_of_a_literal_gets_into_the_name(text: str, tail: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    for statement in (
        f"SELECT {_COLUMN}, {literal} FROM orders{tail}",
        f"SELECT {literal}, {_COLUMN} FROM orders WHERE a = {literal}",
        f"INSERT INTO orders SELECT {literal}",
        f"WITH a AS (SELECT {literal}) SELECT {literal} FROM orders",
    ):
        assert "zzsecret" not in statement_name(statement)


@given(st.text(string.printable, max_size=60))
def test_any_text_has_a_name(text: str) -> None:
    name = statement_name(text)

    assert name.isprintable()
    assert set(name) <= set(text.upper()) | set(text) | set(string.ascii_uppercase + " ")
