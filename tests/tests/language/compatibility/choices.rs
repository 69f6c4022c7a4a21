//! Choices and catches.

use expect_test::expect;
use workflow_engine::prelude::*;

use super::changes;

#[stage]
pub async fn find(text: String) -> StageResult<Option<String>> {
    unimplemented!()
}

#[stage]
pub async fn count(text: String) -> StageResult<u64> {
    unimplemented!()
}

#[stage]
pub async fn zero() -> StageResult<u64> {
    unimplemented!()
}

mod released {
    use super::*;

    workflow! { pub orders = match find { Some(text) => count, None => zero } }
}

mod guarded {
    use super::*;

    workflow! { pub orders = match find { Some( text, ) if !text.is_empty() => count, Some(_) | None => zero } }
}

mod same_with_another_guard {
    use super::*;

    workflow! { pub orders = match find { Some(text) if text.len() > 3 => count, Some(_) | None => zero } }
}

mod reordered {
    use super::*;

    workflow! { pub orders = match find { None => zero, Some(text) => count } }
}

mod empty {
    use super::*;

    workflow! { pub orders = match find { Some(text) => count, None => () } }
}

mod caught {
    use super::*;

    workflow! { pub orders = match find { Some(text) => catch(count), None => catch(zero) } }
}

#[test]
fn another_guard_is_compatible() {
    changes::<guarded::orders, same_with_another_guard::orders>(&expect![[r#"
        compatible
    "#]]);
}

#[test]
fn another_pattern_is_another_definition() {
    changes::<released::orders, guarded::orders>(&expect![[r#"
        new version  arm 1 of `find` is now `Some(_) | None`, no longer `None`
                     runs in flight have stored the numbers of the released arms
    "#]]);
}

#[test]
fn another_order_of_the_arms_is_another_definition() {
    changes::<released::orders, reordered::orders>(&expect![[r#"
        new version  arm 0 of `find` is now `None`, no longer `Some(text)`
                     runs in flight have stored the numbers of the released arms

        new version  arm 1 of `find` is now `Some(text)`, no longer `None`
                     runs in flight have stored the numbers of the released arms

        new version  the run's output is now that of `zero` and `count`, no longer that of `count` and `zero`
                     runs in flight deliver the released output

        new version  `zero` and `count` are written in another order: it was `count` and `zero`
                     runs in flight count their stages in the old order
    "#]]);
}

#[test]
fn an_arm_that_loses_its_stages_is_another_definition() {
    changes::<released::orders, empty::orders>(&expect![[r#"
        strands      stage `zero` was removed
                     runs in flight wait for it, or have stored its output

        new version  arm `None` of `find` now has nothing, no longer `zero`
                     runs in flight have stored the numbers of the released arms

        new version  the run's output is now that of `find` and `count`, no longer that of `count` and `zero`
                     runs in flight deliver the released output
    "#]]);
}

#[test]
fn a_catch_is_another_definition() {
    changes::<released::orders, caught::orders>(&expect![[r#"
        new version  a `catch` is now around `count`
                     in runs in flight, their failure fails the run

        new version  a `catch` is now around `zero`
                     in runs in flight, their failure fails the run
    "#]]);
}
