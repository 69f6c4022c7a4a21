//! Stages and the order in which they run.

use expect_test::expect;
use workflow_engine::prelude::*;

use super::changes;

/// Declares stages that return their input text.
macro_rules! texts {
    ($($name:ident)*) => {
        $(
            #[stage]
            pub async fn $name(text: String) -> StageResult<String> {
                Ok(text)
            }
        )*
    };
}

/// The stages that both workflows of a pair use.
mod stages {
    use super::*;

    texts! { extract summarize translate }

    #[stage]
    pub async fn archive() -> StageResult<()> {
        Ok(())
    }

    #[stage]
    pub async fn join(left: String, right: String) -> StageResult<String> {
        Ok(left + &right)
    }

    #[stage]
    pub async fn report() -> StageResult<String> {
        Ok(String::new())
    }

    pub(super) mod reading {
        use super::*;

        #[stage(require(summarize))]
        pub async fn report() -> StageResult<String> {
            Ok(String::new())
        }
    }

    pub(super) mod reading_both {
        use super::*;

        #[stage(require(summarize, extract))]
        pub async fn report() -> StageResult<String> {
            Ok(String::new())
        }
    }

    pub(super) mod reading_both_otherwise {
        use super::*;

        #[stage(require(extract, summarize))]
        pub async fn report() -> StageResult<String> {
            Ok(String::new())
        }
    }

    pub(super) mod later {
        use super::*;

        #[stage(version = 2)]
        pub async fn summarize(text: String) -> StageResult<String> {
            Ok(text)
        }
    }

    pub(super) mod renamed {
        use super::*;

        texts! { condense }
    }
}

use stages::{
    archive, extract, join, later, reading, reading_both, reading_both_otherwise, renamed, report, summarize,
    translate,
};

workflow! {
    released = extract >> summarize >> report;

    #[workflow(id = "released")]
    removed = extract >> report;
    #[workflow(id = "released")]
    inserted = extract >> translate >> summarize >> report;
    #[workflow(id = "released")]
    at_the_start = translate >> extract >> summarize >> report;
    #[workflow(id = "released")]
    at_the_end = extract >> summarize >> report >> archive;
    #[workflow(id = "released")]
    beside = extract >> [summarize, archive] >> report;
    #[workflow(id = "released")]
    replaced = extract >> translate >> report;
    #[workflow(id = "released")]
    side_by_side = extract >> [summarize, report];
    #[workflow(id = "released")]
    turned = summarize >> extract >> report;
    #[workflow(id = "released")]
    stage_version = extract >> later::summarize >> report;
    #[workflow(id = "released")]
    one_read = extract >> summarize >> reading::report;
    #[workflow(id = "released")]
    two_read = extract >> summarize >> reading_both::report;
    #[workflow(id = "released")]
    two_read_otherwise = extract >> summarize >> reading_both_otherwise::report;
    #[workflow(id = "released")]
    stage_renamed = extract >> renamed::condense >> report;
    renamed_itself = extract >> summarize >> report;
    #[workflow(id = "released", version = 2)]
    raised = extract >> summarize >> report;

    joined = extract >> [summarize, translate] >> join;
    #[workflow(id = "joined")]
    joined_otherwise = extract >> [translate, summarize] >> join;
}

#[test]
fn a_stage_is_removed() {
    changes::<released, removed>(&expect![[r#"
        strands      stage `summarize` was removed
                     runs in flight wait for it, or have stored its output
    "#]]);
}

#[test]
fn a_stage_is_new() {
    changes::<released, inserted>(&expect![[r#"
          new version  stage `translate` is new between `extract` and `summarize`
                       runs in flight were planned without it
    "#]]);
    changes::<released, at_the_start>(&expect![[r#"
          new version  stage `translate` is new before `extract`
                       runs in flight were planned without it
    "#]]);
    changes::<released, at_the_end>(&expect![[r#"
        new version  stage `archive` is new after `report`
                     runs in flight were planned without it

        new version  the run's output is now that of `archive`, no longer that of `report`
                     runs in flight deliver the released output
    "#]]);
    changes::<released, beside>(&expect![[r#"
          new version  stage `archive` is new between `extract` and `report`
                       runs in flight were planned without it
    "#]]);
}

#[test]
fn a_stage_is_renamed() {
    changes::<released, stage_renamed>(&expect![[r#"
          strands      the id of stage `summarize` changed to `condense`
                       runs in flight know it as `summarize`; `#[stage(id = "summarize")]` keeps the id
    "#]]);
    // A stage with the same schemas and the same predecessors counts as the same stage.
    changes::<released, replaced>(&expect![[r#"
          strands      the id of stage `summarize` changed to `translate`
                       runs in flight know it as `summarize`; `#[stage(id = "summarize")]` keeps the id
    "#]]);
}

#[test]
fn the_edges_change() {
    changes::<released, side_by_side>(&expect![[r#"
        new version  stage `report` now follows `extract`, where it followed `summarize`
                     runs in flight keep the order that they started with

        new version  the run's output is now that of `summarize` and `report`, no longer that of `report`
                     runs in flight deliver the released output
    "#]]);
    changes::<released, turned>(&expect![[r#"
        new version  stage `summarize` now starts the run, where it followed `extract`
                     runs in flight keep the order that they started with

        new version  stage `extract` now follows `summarize`, where it started the run
                     runs in flight keep the order that they started with

        new version  stage `report` now follows `extract`, where it followed `summarize`
                     runs in flight keep the order that they started with

        new version  `summarize` and `extract` are written in another order: it was `extract` and `summarize`
                     runs in flight count their stages in the old order
    "#]]);
    changes::<joined, joined_otherwise>(&expect![[r#"
        new version  stage `join` receives `translate` and `summarize` in this order, no longer `summarize` and `translate`
                     runs in flight keep the order that they started with

        new version  `translate` and `summarize` are written in another order: it was `summarize` and `translate`
                     runs in flight count their stages in the old order
    "#]]);
}

#[test]
fn the_outputs_that_a_stage_requires_change() {
    changes::<released, one_read>(&expect![[r#"
        new version  stage `report` now reads the output of `summarize`
                     runs in flight do not need it
    "#]]);
    changes::<one_read, released>(&expect![[r#"
        new version  stage `report` no longer reads the output of `summarize`
                     runs in flight still keep it
    "#]]);
    changes::<two_read, two_read_otherwise>(&expect![[r#"
          new version  stage `report` reads the same outputs in another order: `extract` and `summarize`, not `summarize` and `extract`
                       nothing that is stored changes
    "#]]);
}

#[test]
fn a_version_changes() {
    changes::<released, stage_version>(&expect![[r#"
          new version  stage `summarize`: version changed from 1 to 2
                       runs in flight keep version 1 of it
    "#]]);
    changes::<released, raised>(&expect![[r#"
          new version  the version was raised from 1 to 2
                       runs in flight keep version 1, and need a worker that has it
    "#]]);
    changes::<raised, released>(&expect![[r#"
        new version  the version was lowered from 2 to 1
                     runs in flight keep version 2, and need a worker that has it
    "#]]);
}

#[test]
fn the_workflow_is_renamed() {
    changes::<released, renamed_itself>(&expect![[r#"
          strands      the workflow's id changed from `released` to `renamed-itself`
                       runs in flight belong to `released`; `#[workflow(id = "released")]` keeps the id
    "#]]);
}
