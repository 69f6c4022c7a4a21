//! `match`: one arm of a choice runs, and the stages of the others are skipped.

use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{RerunFrom, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
enum Mail {
    Invoice(u32),
    Letter { text: String, from: String },
    Bulk(Vec<u32>),
    Spam,
}

/// Reads the mail from its number.
#[stage]
async fn classify(number: u32, ctx: &StageContext) -> StageResult<Mail> {
    Ok(match number {
        0 => Mail::Spam,
        1 => Mail::Letter { text: format!("letter {}", ctx.generation()), from: "Ada".into() },
        2 => Mail::Bulk(vec![1, 2, 3]),
        number => Mail::Invoice(number),
    })
}

#[stage]
async fn check(total: u32, #[config(default = false)] fails: bool, ctx: &StageContext) -> StageResult<u32> {
    if fails && ctx.generation() == 1 {
        return Err(StageError::permanent("the total is wrong"));
    }
    Ok(total)
}

#[stage]
async fn book(total: u32, ctx: &StageContext) -> StageResult<String> {
    Ok(format!("booked {total} in {}", ctx.generation()))
}

#[stage]
async fn answer(text: String, from: String) -> StageResult<String> {
    Ok(format!("answered {text} of {from}"))
}

#[stage]
async fn sum(numbers: Vec<u32>) -> StageResult<String> {
    Ok(format!("sum {}", numbers.iter().sum::<u32>()))
}

#[stage]
async fn archive(
    filed: Option<String>,
    #[optional(book)] booked: Option<&String>,
    #[config(default = false)] fails: bool,
    ctx: &StageContext,
) -> StageResult<String> {
    if fails && ctx.generation() == 1 {
        return Err(StageError::permanent("the archive is closed"));
    }
    let filed = filed.unwrap_or_else(|| "nothing".into());
    Ok(format!("{filed}{}", if booked.is_some() { "!" } else { "" }))
}

workflow! {
    filing = match classify {
        Invoice(total) => check >> book,
        Letter { text, from } => answer,
        Bulk(numbers) => sum,
        Spam => (),
    } >> archive
}

async fn file(engine: &Engine, number: u32) -> RunHandle<filing> {
    engine.start::<filing>(ClassifyInput { number }).await.unwrap()
}

async fn statuses(world: &World, run: &RunHandle<filing>) -> Vec<(String, Status, Option<u32>)> {
    let stages = world.store.stages(run.id()).await.unwrap();
    stages.into_iter().map(|stage| (stage.stage_id, stage.status, stage.arm)).collect()
}

async fn skipped(run: &RunHandle<filing>) -> Vec<(String, String)> {
    let events: Vec<_> = run.events().map(|event| event.unwrap().kind).collect().await;
    let skips = events.into_iter().filter_map(|kind| match kind {
        EventKind::StageSkipped { stage_id, because, .. } => Some((stage_id, because)),
        _ => None,
    });
    skips.collect()
}

async fn each_output_takes_the_arm_whose_pattern_fits(world: World) {
    let engine = world.engine().register::<filing>().build().await.unwrap();
    for (number, output) in
        [(0, "nothing"), (1, "answered letter 1 of Ada"), (2, "sum 6"), (7, "booked 7 in 1!")]
    {
        let run = file(&engine, number).await;
        assert_eq!(run.output().await.unwrap(), output, "{number}");
    }
}

async fn the_stages_of_the_other_arms_are_skipped(world: World) {
    use Status::{Completed, Skipped};

    let engine = world.engine().register::<filing>().build().await.unwrap();
    let run = file(&engine, 1).await;
    run.output().await.unwrap();
    assert_eq!(
        statuses(&world, &run).await,
        [
            ("classify".to_owned(), Completed, Some(1)),
            ("check".to_owned(), Skipped, None),
            ("book".to_owned(), Skipped, None),
            ("answer".to_owned(), Completed, None),
            ("sum".to_owned(), Skipped, None),
            ("archive".to_owned(), Completed, None),
        ]
    );
    let because = |stage: &str| (stage.to_owned(), "classify".to_owned());
    assert_eq!(skipped(&run).await, [because("check"), because("book"), because("sum")]);
    let outputs = run.outputs().await.unwrap();
    assert_eq!((outputs.book, outputs.sum), (None, None));
    assert_eq!(outputs.answer.as_deref(), Some("answered letter 1 of Ada"));
    let arms: Vec<_> = run
        .events()
        .filter_map(async |event| match event.unwrap().kind {
            EventKind::StageCompleted { arm: Some(arm), stage_id, .. } => Some((stage_id, arm)),
            _ => None,
        })
        .collect()
        .await;
    assert_eq!(arms, [("classify".to_owned(), 1)]);
}

fn rerun(run: &RunHandle<filing>, from: &str) -> RerunFrom {
    RerunFrom { run_id: run.id(), from_stage_id: from.to_owned(), idempotency_key: None, dry_run: false }
}

async fn a_rerun_from_before_the_choice_chooses_again(world: World) {
    let engine = world.engine().register::<filing>().build().await.unwrap();
    let run = file(&engine, 1).await;
    run.output().await.unwrap();
    let plan = engine.dispatch(rerun(&run, "classify")).await.unwrap();
    assert_eq!(plan.stages, ["classify", "check", "book", "answer", "sum", "archive"]);
    assert_eq!(run.output().await.unwrap(), "answered letter 2 of Ada");
    assert_eq!(skipped(&run).await.len(), 6, "each generation skips its own");
}

async fn a_rerun_in_an_arm_keeps_the_choice(world: World) {
    let engine = world.engine().register::<filing>().build().await.unwrap();
    let run = file(&engine, 7).await;
    run.output().await.unwrap();
    let plan = engine.dispatch(rerun(&run, "book")).await.unwrap();
    assert_eq!(plan.stages, ["book", "archive"]);
    assert_eq!(run.output().await.unwrap(), "booked 7 in 2!");
    let refused = engine.dispatch(rerun(&run, "answer")).await.unwrap_err();
    assert_eq!(refused.code(), "STAGE_SKIPPED");
    assert!(refused.to_string().contains("rerun from `classify`"), "{refused}");
}

async fn a_rerun_after_the_choice_keeps_every_arm(world: World) {
    let engine = world.engine().register::<filing>().build().await.unwrap();
    let run = file(&engine, 0).await;
    run.output().await.unwrap();
    let plan = engine.dispatch(rerun(&run, "archive")).await.unwrap();
    assert_eq!(plan.stages, ["archive"]);
    assert_eq!(run.output().await.unwrap(), "nothing");
}

async fn a_run_that_failed_in_an_arm_continues_there(world: World) {
    let engine = world.engine().register::<filing>().build().await.unwrap();
    let mut config = FilingConfig::default();
    config.check.fails = true;
    let run = engine.start::<filing>(ClassifyInput { number: 7 }).config(config).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    assert_eq!(engine.dispatch(rerun(&run, "archive")).await.unwrap_err().code(), "ANCESTOR_NOT_COMPLETED");
    let plan = engine.dispatch(rerun(&run, "check")).await.unwrap();
    assert_eq!(plan.stages, ["check", "book", "archive"]);
    assert_eq!(run.output().await.unwrap(), "booked 7 in 2!");
}

/// Another process executes what follows, so it reads the arm from the store.
async fn another_process_continues_in_the_arm_that_was_chosen(world: World) {
    let first = world.engine().register::<filing>().build().await.unwrap();
    let mut config = FilingConfig::default();
    config.archive.fails = true;
    let run = first.start::<filing>(ClassifyInput { number: 7 }).config(config).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    first.drain().await;
    let second = world.engine().register::<filing>().build().await.unwrap();
    second.dispatch(rerun(&run, "archive")).await.unwrap();
    let run = second.run_handle::<filing>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "booked 7 in 1!");
    assert_eq!(
        second.dispatch(TransitionRun { run_id: run.id() }).await.unwrap().action,
        workflow_engine::kernel::TransitionAction::Completed
    );
}

#[stage]
async fn begin(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn size(number: u32) -> StageResult<Option<u32>> {
    Ok((number > 0).then_some(number))
}

#[stage]
async fn is_odd(number: u32) -> StageResult<bool> {
    Ok(number % 2 == 1)
}

#[stage]
async fn plus(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

#[stage]
async fn minus(number: u32) -> StageResult<u32> {
    Ok(number - 1)
}

#[stage]
async fn join(pair: Option<(u32, u32)>, number: u32) -> StageResult<String> {
    Ok(format!("{pair:?} {number}"))
}

#[stage]
async fn other(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn even(odd: bool) -> StageResult<(u32, u32)> {
    Ok((0, u32::from(odd)))
}

// A join after arms of different widths, one of them with a choice of its own, beside another branch.
workflow! {
    nested = begin >> [
        match size {
            Some(n) if n > 9 => [plus, minus],
            Some(n) => match is_odd { odd => even },
            None => (),
        },
        other,
    ] >> join
}

async fn a_join_is_released_once_after_arms_of_any_width(world: World) {
    let engine = world.engine().register::<nested>().build().await.unwrap();
    for (number, output) in
        [(0, "None 0"), (3, "Some((0, 1)) 3"), (4, "Some((0, 0)) 4"), (10, "Some((11, 9)) 10")]
    {
        let run = engine.start::<nested>(BeginInput { number }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), output);
        let events: Vec<_> = run.events().map(|event| event.unwrap().kind).collect().await;
        let joins = events
            .iter()
            .filter(|kind| matches!(kind, EventKind::StageStarted { stage_id, .. } if stage_id == "join"));
        assert_eq!(joins.count(), 1);
    }
}

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

// A workflow that ends in a choice: in one stage, in none, and in a choice in an arm.
workflow! {
    ending = match size {
        Some(n) if n > 9 => plus,
        Some(n) => double >> match is_odd { true => never, false => twice },
        None => (),
    }
}

#[stage]
async fn never() -> StageResult<u32> {
    Ok(0)
}

#[stage(require(double))]
async fn twice(ctx: &StageContext<twice>) -> StageResult<u32> {
    Ok(*ctx.require::<double>())
}

async fn a_workflow_ends_in_an_arm(world: World) {
    let engine = world.engine().register::<ending>().build().await.unwrap();
    for (number, output) in [(0, None), (3, Some(6)), (10, Some(11))] {
        let run = engine.start::<ending>(SizeInput { number }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), output);
        let record = run.record().await.unwrap();
        assert_eq!((record.status, record.waiting_on), (Status::Completed, 0));
        let stored = record.output.expect("one stage delivers it, or none");
        let expected = serde_json::to_string(&output).unwrap();
        assert!(format!("{stored:?}").contains(&expected), "{stored:?}");
        let events: Vec<_> = run.events().map(|event| event.unwrap().kind).collect().await;
        let Some(EventKind::WorkflowCompleted { output, .. }) = events.last() else {
            panic!("{:?}", events.last())
        };
        assert_eq!(output.as_ref().unwrap().as_str(), expected);
    }
}

workflow! { wide_end = match size { Some(n) => [plus, minus], None => none_of_both } }

#[stage]
async fn none_of_both() -> StageResult<(u32, u32)> {
    Ok((7, 7))
}

async fn a_workflow_ends_in_a_group_or_a_stage(world: World) {
    let engine = world.engine().register::<wide_end>().build().await.unwrap();
    for (number, output) in [(0, (7, 7)), (3, (4, 2))] {
        let run = engine.start::<wide_end>(SizeInput { number }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), output);
        let events: Vec<_> = run.events().map(|event| event.unwrap().kind).collect().await;
        let Some(EventKind::WorkflowCompleted { output: stored, .. }) = events.last() else {
            panic!("{:?}", events.last())
        };
        assert_eq!(stored.as_ref().unwrap().as_str(), serde_json::to_string(&output).unwrap());
    }
}

#[stage(retry(max_attempts = 2, backoff = fixed, initial = "1ms"))]
async fn weigh(number: u32, ctx: &StageContext) -> StageResult<u32> {
    Ok(number + ctx.attempt())
}

fn is_heavy(weight: u32) -> bool {
    assert!(weight != 2, "the scales are broken");
    weight > 1
}

workflow! { weighing = match weigh { n if is_heavy(n) => plus, n => minus } }

async fn a_guard_that_panics_fails_the_attempt(world: World) {
    let engine = world.engine().register::<weighing>().build().await.unwrap();
    let run = engine.start::<weighing>(WeighInput { number: 1 }).await.unwrap();
    let stage_retries = run
        .events()
        .filter_map(async |event| match event.unwrap().kind {
            EventKind::StageRetrying { error, .. } => Some(error),
            _ => None,
        })
        .take(1);
    let mut retries = std::pin::pin!(stage_retries);
    let error = retries.next().await.unwrap();
    assert!(error.contains("its `match` panicked: the scales are broken"), "{error}");
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(run.output().await.unwrap(), 4);
}

on_every_store!(
    each_output_takes_the_arm_whose_pattern_fits,
    the_stages_of_the_other_arms_are_skipped,
    a_rerun_from_before_the_choice_chooses_again,
    a_rerun_in_an_arm_keeps_the_choice,
    a_rerun_after_the_choice_keeps_every_arm,
    a_run_that_failed_in_an_arm_continues_there,
    another_process_continues_in_the_arm_that_was_chosen,
    a_join_is_released_once_after_arms_of_any_width,
    a_workflow_ends_in_an_arm,
    a_workflow_ends_in_a_group_or_a_stage,
    a_guard_that_panics_fails_the_attempt,
);
