//! A stage of another crate: in a chain, required, under its own name and renamed.

use ui_tests::load as shared;
use workflow_engine::prelude::*;

#[stage]
async fn load(text: String) -> StageResult<String> {
    Ok(text)
}

#[stage(require(shared), optional(load))]
async fn count(text: String, ctx: &StageContext<count>) -> StageResult<usize> {
    Ok(text.len() + ctx.require::<ui_tests::load>().len() + ctx.optional::<load>().map_or(0, String::len))
}

workflow! {
    direct = ui_tests::load >> count;
    renamed = shared >> load >> count
}

#[test]
fn it_is_the_same_stage_by_every_path() {
    assert_eq!(direct::definition().stages[1].reads, [0]);
    assert_eq!(renamed::definition().stages[2].reads, [0, 1]);
    assert_eq!(RenamedConfig::default().shared.times, 2);
    assert_eq!(ui_tests::load::PATH.module, "ui_tests");
}

#[tokio::test]
async fn a_body_runs_in_a_unit_test() {
    let ctx = StageContext::<count>::for_test()
        .with_output::<shared>(&"ab".to_owned())
        .with_output::<load>(&"c".to_owned());
    assert_eq!(ctx.stage_id(), "count");
    assert_eq!(count("def".into(), &ctx).await.expect("it cannot fail"), 6);
}
