//! Which effects a context accepts, and which it refuses.

use serde::Serialize;
use serde::ser::Error as _;

use crate::context::StageContext;
use crate::records::{Annotation, AnnotationKey, Statement};

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
