//! What the scan finds in a statement, and what it refuses.

use std::collections::BTreeSet;

use super::scan;

#[test]
fn the_text_of_a_statement_is_looked_at_outside_its_quotes() {
    let numbers = |sql: &str| scan(sql).unwrap().placeholders;
    assert_eq!(numbers("UPDATE t SET a = $2 WHERE id = $1"), BTreeSet::from([1, 2]));
    assert_eq!(numbers("INSERT INTO t VALUES ('$1; COMMIT', \"$2\", $3)"), BTreeSet::from([3]));
    assert_eq!(numbers("INSERT INTO t$1 VALUES ($12) -- $2 ; \n ; \t"), BTreeSet::from([12]));
    assert_eq!(numbers("/* $1; */ DELETE FROM \"a;\"\"$1\" WHERE x = 'it''s; $2' /**/"), BTreeSet::new());
    assert_eq!(scan(" \n/* a */-- b\r\ninsert into t values (x'00', 1e5)").unwrap().first_word, "insert");
}

#[test]
fn what_two_databases_would_read_differently_is_refused() {
    for (sql, reason) in [
        ("", "it is empty"),
        ("-- nothing", "it is empty"),
        (";", "it begins with `;`"),
        ("(SELECT 1)", "it begins with `(SELECT 1)`"),
        ("DELETE FROM t; COMMIT", "it is more than one statement"),
        ("DELETE FROM t;;", "it is more than one statement"),
        ("DELETE FROM t; /* a */ ROLLBACK", "it is more than one statement"),
        ("DELETE FROM t WHERE a = ?", "its arguments are `$1`, `$2` and so on, not `?`"),
        (
            "DELETE FROM t WHERE a = $a$; COMMIT; $a$",
            "`$` is followed by the number of an argument; quote texts with `'`",
        ),
        (
            "DELETE FROM t WHERE a = $$x$$",
            "`$` is followed by the number of an argument; quote texts with `'`",
        ),
        ("DELETE FROM t WHERE a = E'\\''", "it has a text that begins with `E'`; bind it as an argument"),
        ("DELETE FROM t WHERE a = u&'x'", "it has a text that begins with `u'`; bind it as an argument"),
        ("DELETE FROM t WHERE a = '\\'", "it has a quoted backslash; bind the text as an argument"),
        ("DELETE FROM t WHERE a = 'x", "it has a quote without an end"),
        ("DELETE FROM [t]", "quote names with `\"`, not with `[`"),
        ("DELETE FROM `t`", "quote names with `\"`, not with ```"),
        ("DELETE FROM t /* /* */ */", "it has a comment in a comment"),
        ("DELETE FROM t /* a", "it has a comment without an end"),
        ("DELETE FROM t -- \r ; COMMIT", "it has a carriage return in a comment"),
        ("DELETE\0FROM t", "it has a control character"),
        ("DELETE FROM t WHERE a = $99999999999999999999", "its arguments go too far"),
    ] {
        assert_eq!(scan(sql).unwrap_err(), reason, "{sql}");
    }
}
