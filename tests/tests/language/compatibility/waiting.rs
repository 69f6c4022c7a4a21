//! Stages that wait, and their tickets.

use expect_test::expect;
use workflow_engine::prelude::*;

use super::changes;

mod direct {
    use super::*;

    #[stage]
    pub async fn print(text: String) -> StageResult<u32> {
        Ok(0)
    }
}

mod by_name {
    use super::*;

    #[stage(check = printed)]
    pub async fn print(text: String) -> StageResult<String> {
        Ok(text)
    }

    #[check]
    pub async fn printed(ticket: &String) -> StageResult<Check<u32>> {
        Ok(Check::Ready(0))
    }
}

mod by_number {
    use super::*;

    #[stage(check = printed)]
    pub async fn print(text: String) -> StageResult<u64> {
        Ok(0)
    }

    #[check]
    pub async fn printed(ticket: &u64) -> StageResult<Check<u32>> {
        Ok(Check::Ready(0))
    }
}

workflow! {
    #[workflow(id = "printing")]
    at_once = direct::print;
    #[workflow(id = "printing")]
    named = by_name::print;
    #[workflow(id = "printing")]
    numbered = by_number::print;
}

#[test]
fn tickets() {
    changes::<named, named>(&expect![[r#"
        compatible
    "#]]);
    changes::<named, numbered>(&expect![[r#"
        strands      stage `print`: ticket changed from string to integer
                     stored tickets would no longer decode
    "#]]);
    changes::<named, at_once>(&expect![[r#"
        strands      stage `print` no longer waits
                     nothing checks the stored tickets
    "#]]);
    changes::<at_once, named>(&expect![[r#"
        new version  stage `print` now waits
                     runs in flight have its output without a ticket
    "#]]);
}
