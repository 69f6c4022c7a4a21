//! Dispatches one measurement in this process.

use crate::line::Line;
use crate::place::Kind;
use crate::{Outcome, bytes, delayed, engine, fairness, floor, history, idle, lists, operate, processes};

/// Measures `work` by `who` on this store.
pub async fn one(who: &str, work: &str, kind: Kind) -> Outcome<Line> {
    match (who, work) {
        ("engine", _) => of_engine(work, kind).await,
        ("floor", "w2") => floor::latency(kind).await,
        ("floor", "w1" | "w3") => floor::throughput(work, kind).await,
        _ => Err(format!("`{who}` cannot measure `{work}`").into()),
    }
}

async fn of_engine(work: &str, kind: Kind) -> Outcome<Line> {
    let (name, number) = match work.rsplit_once('-') {
        Some((name, number)) => (name, number.parse::<u64>().ok()),
        None => (work, None),
    };
    match (name, number) {
        ("w1", None) => engine::diamonds(kind).await,
        ("w2", None) => engine::latency(kind).await,
        ("w3", None) => engine::chains(kind).await,
        ("w4-processes", Some(processes)) => processes::shared(work, kind, processes as usize).await,
        ("w4-finished", Some(runs)) => history::finished(work, kind, runs).await,
        ("w4-suspended", Some(runs)) => history::suspended(work, kind, runs).await,
        ("w4-delayed", Some(runs)) => history::retried(work, kind, runs).await,
        ("delayed", Some(runs)) => delayed::due_later(work, kind, runs).await,
        ("lists", Some(runs)) => lists::pages(work, kind, runs).await,
        ("operate", Some(viewers)) => operate::watched(work, kind, viewers).await,
        ("w5-workflows", Some(workflows)) => idle::idle(work, kind, workflows > 1).await,
        _ => match work {
            "w6-alone" => bytes::written(work, kind, false, false).await,
            "w6-load" => bytes::written(work, kind, true, false).await,
            "w6-alone-heard" => bytes::written(work, kind, false, true).await,
            "w6-load-heard" => bytes::written(work, kind, true, true).await,
            "reaction-here" => processes::reaction(work, kind, false).await,
            "reaction-elsewhere" => processes::reaction(work, kind, true).await,
            "fair-priorities" => fairness::priorities(work, kind).await,
            "fair-crowd" => fairness::crowd(work, kind).await,
            "fair-saturated" => fairness::saturated(work, kind).await,
            "memory-outputs" => fairness::outputs(work, kind).await,
            _ => Err(format!("there is no work `{work}`").into()),
        },
    }
}
