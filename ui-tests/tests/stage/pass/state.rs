//! State of the program in stages and checks: by reference, by value, behind an `Arc`, destructured.
#![deny(warnings)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use workflow_engine::prelude::*;

#[derive(Default)]
pub struct Counter(AtomicU32);

#[derive(Clone)]
pub struct Pool(pub u32);

#[derive(Clone)]
pub struct Replica(pub Pool);

pub trait Mailer: Send + Sync {
    fn send(&self, text: &str) -> usize;
}

pub struct AppContext {
    pub name: String,
}

mod settings {
    pub struct Settings {
        pub limit: u32,
    }
}

#[stage]
pub async fn by_reference(number: u32, #[state] counter: &Counter) -> StageResult<u32> {
    Ok(number + counter.0.fetch_add(1, Ordering::Relaxed))
}

#[stage]
pub async fn by_value(#[state] pool: Pool) -> StageResult<u32> {
    Ok(pool.0)
}

#[stage]
pub async fn only_state(
    #[state] Replica(Pool(number)): &Replica,
    #[state] mut mailer: Arc<dyn Mailer>,
    #[state] app: &AppContext,
    #[state] settings: &settings::Settings,
    #[state] words: [&'static str; 2],
) -> StageResult<usize> {
    mailer = Arc::clone(&mailer);
    Ok(mailer.send(&app.name) + (number + settings.limit) as usize + words.len())
}

#[stage(check = ready, require(by_value))]
pub async fn submit(#[state] pool: &Pool, ctx: &StageContext<submit>) -> StageResult<u32> {
    Ok(pool.0 + ctx.require::<by_value>())
}

#[check]
pub async fn ready(ticket: &u32, #[state] counter: &Counter, #[state] pool: Pool) -> StageResult<Check<u32>> {
    counter.0.fetch_add(*ticket, Ordering::Relaxed);
    Ok(Check::Ready(pool.0))
}

workflow! { Everything = by_value >> by_reference >> submit }

pub fn main() {
    assert!(by_value::DECLARATION.state[0].is::<Pool>());
    assert_eq!(only_state::DECLARATION.state.len(), 5);
    assert_eq!(only_state::DECLARATION.state[1].name(), "Arc<dyn Mailer>");
    assert!(only_state::DECLARATION.state[1].is::<Arc<dyn Mailer>>());
    let names: Vec<&str> = submit::DECLARATION.check_state.iter().map(|state| state.name()).collect();
    assert_eq!(names, ["Counter", "Pool"]);
    // Those of a stage and of its check together, each once.
    let state = &Everything::definition().stages[2].state;
    assert_eq!(state.iter().map(|state| state.name()).collect::<Vec<_>>(), ["Pool", "Counter"]);
    assert!(state[1].type_name().ends_with("::Counter"));
}
