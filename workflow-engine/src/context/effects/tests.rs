//! What may be asked for, and what may not.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::ser::Error as _;

use crate::context::effects::*;
use crate::context::stage_context::StageContext;
use crate::records::AnnotationKey;
use crate::records::sql_scan::scan;

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

#[test]
fn only_one_statement_that_writes_is_taken() {
    let ctx = StageContext::detached();
    for word in [
        "BEGIN",
        "COMMIT",
        "rollback",
        "SAVEPOINT a",
        "RELEASE a",
        "END",
        "SELECT 1",
        "PRAGMA a",
        "SET a = 1",
    ] {
        let error = ctx.transaction().execute(Statement::new(word)).unwrap_err();
        let first = word.split(' ').next().unwrap();
        let expected = format!(
            "statement 1 of stage `detached`: it begins with `{first}`; a statement that writes begins with `INSERT`, `UPDATE`, \
             `DELETE`, `MERGE`, `REPLACE`, `WITH`"
        );
        assert_eq!((error.message(), error.is_retryable()), (expected.as_str(), false));
    }
    ctx.transaction()
        .execute(Statement::new("insert into t values (1)"))
        .unwrap()
        .execute(Statement::new("WITH n AS (SELECT 1) INSERT INTO t SELECT * FROM n;"))
        .unwrap();
    assert_eq!(ctx.effects().statements.len(), 2);
}

#[test]
fn arguments_are_those_that_the_text_names() {
    let refused = |statement: Statement| statement.check().unwrap_err();
    let insert = |values: &str| Statement::new(format!("INSERT INTO t VALUES ({values})"));
    assert_eq!(
        refused(insert("$1, $2").bind(1)),
        "its text names `$2`, and it has 1 arguments, from `$1` on"
    );
    assert_eq!(refused(insert("$0").bind(1)), "its text names `$0`, and it has 1 arguments, from `$1` on");
    assert_eq!(refused(insert("$1").bind(1).bind(2)), "its text does not name its argument `$2`");
    assert_eq!(refused(insert("$1").bind(f64::NAN)), "`$1` is no finite number");
    assert_eq!(refused(insert("$1").bind("a\0")), "`$1` holds U+0000, which PostgreSQL's text does not");
    assert_eq!(
        refused(Statement::new(format!("DELETE {}", " ".repeat(70_000)))),
        "its text has more than 65536 bytes"
    );
    insert("$1, $1, $2").bind(Some("a")).bind(None::<i64>).check().unwrap();
}

#[test]
fn keys_have_segments() {
    let is_taken = |key: &str| {
        let mut annotation = Annotation::default();
        annotation.attributes.insert(key.to_owned(), Json::null());
        annotation.check().is_ok()
    };
    for key in ["a", "review.outcome", "größe.%_\\", "a b", &"a".repeat(255)] {
        assert!(is_taken(key), "{key}");
    }
    for key in ["", ".", "a.", ".a", "a..b", "a\nb", "a\0", &"a".repeat(256)] {
        assert!(!is_taken(key), "{key:?}");
    }
}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no"))
    }
}

#[test]
fn what_cannot_be_stored_fails_where_it_is_asked_for() {
    const KEY: AnnotationKey<Unwritable> = AnnotationKey::new("a");
    const TEXT: AnnotationKey<String> = AnnotationKey::new("b");
    let ctx = StageContext::detached();
    let errors = [
        ctx.annotate(KEY.value(&Unwritable)),
        ctx.annotate(Annotation::default()),
        ctx.annotate(TEXT.value(&"x".repeat(20_000))),
        ctx.annotate(TEXT.value(&"x".into()).actor("")),
        ctx.annotate(TEXT.value(&"x".into()).payload(&"x".repeat(300_000))),
        ctx.storage().put("a", &Unwritable),
        ctx.storage().put("", &1),
        ctx.put_artifact("a\n", &1),
        ctx.record_metric("", 1.0),
        ctx.record_metric("speed", f64::INFINITY),
    ];
    for error in errors {
        assert!(!error.unwrap_err().is_retryable());
    }
    assert!(ctx.effects().is_empty());
}

#[tokio::test]
async fn a_stage_sees_what_it_has_put() {
    let ctx = StageContext::detached();
    ctx.put_artifact("a", "one").unwrap();
    ctx.put_artifact("b", &2).unwrap();
    assert_eq!(ctx.storage().get::<String>("a").await.unwrap().as_deref(), Some("one"));
    assert!(ctx.storage().get::<u32>("a").await.is_err());
    ctx.storage().delete("b");
    assert_eq!(ctx.storage().get::<u32>("b").await.unwrap(), None);
    assert_eq!(ctx.storage().list().await.unwrap(), ["a"]);
}
