//! Checks of what leaves the store: events for subscribers, and calls of models.

use chrono::TimeDelta;
use workflow_engine::ports::StoreCondition;
use workflow_engine::{Engine, Error};

use super::finding::Finding;
use crate::output::text;

/// The dead letters that are counted.
const COUNTED: usize = 1_000;

/// Checks undelivered events, dead letters and calls with an unknown outcome.
pub async fn check(
    engine: &Engine,
    condition: &StoreCondition,
    patience: TimeDelta,
) -> Result<Vec<Finding>, Error> {
    Ok(vec![delivery(condition, patience), dead_letters(engine).await?, calls(condition)])
}

fn delivery(condition: &StoreCondition, patience: TimeDelta) -> Finding {
    let late = |since: chrono::DateTime<chrono::Utc>| since + patience < condition.now;
    let waiting = condition.waiting_events.iter().filter(|waiting| late(waiting.oldest_due_at));
    let waiting: Vec<String> = waiting
        .map(|waiting| {
            let age = text::duration(condition.now - waiting.oldest_due_at);
            format!("`{}`: {} runs, the oldest for {age}", waiting.subscriber, waiting.runs)
        })
        .collect();
    if !waiting.is_empty() {
        return Finding::problem(
            "events",
            format!("events wait for {}", waiting.join("; ")),
            "start a program that has the subscriber, or remove one that no program has any more (`Engine::remove_subscriber`); until then they are kept, and their runs are not purged",
        );
    }
    if condition.unpublished_commits > 0 && patience == TimeDelta::zero() {
        return Finding::problem(
            "events",
            format!("the events of {} commits are not passed on yet", condition.unpublished_commits),
            "start a program that has a subscriber: it passes them on",
        );
    }
    Finding::ok("events", "no event waits for long")
}

async fn dead_letters(engine: &Engine) -> Result<Finding, Error> {
    let letters = engine.dead_letters(None).limit(COUNTED).await?;
    let Some(first) = letters.items.first() else { return Ok(Finding::ok("dead-letters", "there are none")) };
    let more = if letters.next.is_some() { "+" } else { "" };
    Ok(Finding::problem(
        "dead-letters",
        format!("{}{more}, the first of `{}`: {}", letters.items.len(), first.plugin, first.error),
        "correct the plugin, then `dead-letters replay`; `dead-letters list` shows them",
    ))
}

fn calls(condition: &StoreCondition) -> Finding {
    if condition.unknown_calls == 0 {
        return Finding::ok("calls", "the outcome of each call of a model is known");
    }
    Finding::problem(
        "calls",
        format!(
            "{} calls of models have an unknown outcome, and may have cost up to {}",
            condition.unknown_calls, condition.unknown_cost
        ),
        "their process ended before the response: compare with the bill of the provider; their reservations stay in the budgets",
    )
}
