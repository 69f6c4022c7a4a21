//! Children in the kit for tests: stubbed, and in virtual time.

use std::time::Duration;

use workflow_engine::testing::TestEngine;

use super::steps::{SellingInput, packing, selling};

#[tokio::test]
async fn a_stub_takes_the_place_of_the_child() {
    let mut test = TestEngine::<selling>::new();
    let run =
        test.register::<packing>().stub::<packing>("8 g".to_owned()).run(SellingInput { cents: 5 }).await;
    assert_eq!(run.output.unwrap(), "packed: 8 g");
    assert_eq!(run.elapsed, Duration::ZERO, "a stub does not wait");
}

#[tokio::test]
async fn a_registered_child_runs() {
    let mut test = TestEngine::<selling>::new();
    let run = test.register::<packing>().run(SellingInput { cents: 5 }).await;
    assert_eq!(run.output.unwrap(), "packed: 10 g");
}

#[tokio::test]
async fn a_crash_at_any_commit_loses_neither_parent_nor_child() {
    let mut test = TestEngine::<selling>::new();
    test.register::<packing>();
    let input = || SellingInput { cents: 5 };
    test.crash_everywhere(input, |output| assert_eq!(output, "packed: 10 g")).await;
}
