//! The figures as Markdown and as JSON.

use std::fmt::Write;
use std::process::Command;

use serde_json::json;

use crate::measure::{Cost, Figures};
use crate::sample::Sample;
use crate::sources::Shape;

/// The goal: milliseconds per stage after an edit.
const GOAL: f64 = 3.0;

/// The most milliseconds that a stage of a choice may cost more than one of a chain.
const CHOICE_BOUND: f64 = 1.0;

/// Returns tables for `benches/README.md`.
pub fn markdown(figures: &Figures) -> String {
    let mut text = String::new();
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{arguments}");
    };
    line(format_args!(
        "`cargo check`, {}, {} processors, load {} before and {} after; medians of {} edits of one body and of three cold checks.",
        compiler(),
        processors(),
        figures.load[0],
        figures.load[1],
        figures.edits
    ));
    line(format_args!(""));
    line(format_args!(
        "| workflow | stages | after an edit | without macros | extra per stage | in processor time | cold | without macros | extra per stage |"
    ));
    line(format_args!("|---|---:|---:|---:|---:|---:|---:|---:|---:|"));
    for cost in &figures.costs {
        line(format_args!(
            "| {} | {} | {:.0} ms | {:.0} ms | {:.2} ms | {:.2} ms | {:.0} ms | {:.0} ms | {:.2} ms |",
            cost.shape.description(),
            cost.stages,
            ms(cost.edit.macros),
            ms(cost.edit.plain),
            cost.extra(),
            cost.extra_cpu(),
            ms(cost.cold.macros),
            ms(cost.cold.plain),
            cost.extra_cold(),
        ));
    }
    line(format_args!(""));
    for (shape, sample) in &figures.limits {
        line(format_args!(
            "- {} stages ({}) compile with the default limits, cold in {:.1} s.",
            figures.limit,
            shape.description(),
            sample.wall.as_secs_f64()
        ));
    }
    line(format_args!(
        "- The macro crate with its dependencies builds cold in {:.1} s ({:.1} s of processor time).",
        figures.macros.wall.as_secs_f64(),
        figures.macros.cpu.as_secs_f64()
    ));
    // Processor time where available: on a busy machine the wall clock time is longer.
    let extra = |cost: &Cost| if cost.edit.macros.cpu.is_zero() { cost.extra() } else { cost.extra_cpu() };
    let worst = largest(&figures.costs).map(extra).fold(f64::MIN, f64::max);
    let verdict = if worst <= GOAL { "met" } else { "missed" };
    line(format_args!(
        "- The goal of {GOAL} ms per stage after an edit is {verdict}: {worst:.2} ms at most, in the largest workflows."
    ));
    let of_shape = |shape| largest(&figures.costs).find(|cost| cost.shape == shape).map(extra);
    if let (Some(chain), Some(choices)) = (of_shape(Shape::Chain), of_shape(Shape::Choices)) {
        let more = choices - chain;
        let verdict = if more <= CHOICE_BOUND { "kept" } else { "missed" };
        line(format_args!(
            "- A stage of a choice costs {more:.2} ms more than one of a chain after an edit; the bound of {CHOICE_BOUND} ms is {verdict}."
        ));
    }
    text
}

/// Returns all figures, in milliseconds.
pub fn json(figures: &Figures) -> String {
    let sample = |sample: Sample| json!({ "wall_ms": ms(sample), "cpu_ms": sample.cpu.as_secs_f64() * 1e3 });
    let costs: Vec<_> = figures
        .costs
        .iter()
        .map(|cost| {
            json!({
                "shape": cost.shape.name(),
                "stages": cost.stages,
                "edit": { "macros": sample(cost.edit.macros), "plain": sample(cost.edit.plain) },
                "cold": { "macros": sample(cost.cold.macros), "plain": sample(cost.cold.plain) },
                "extra_ms_per_stage": cost.extra(),
            })
        })
        .collect();
    let limit = |(shape, cold): &(Shape, Sample)| json!({ "shape": shape.name(), "cold": sample(*cold) });
    let whole = json!({
        "compiler": compiler(),
        "processors": processors(),
        "edits": figures.edits,
        "load": figures.load,
        "costs": costs,
        "limit": { "stages": figures.limit, "shapes": figures.limits.iter().map(limit).collect::<Vec<_>>() },
        "macro_crate": sample(figures.macros),
    });
    format!("{whole:#}\n")
}

/// Returns the largest workflow of each shape, whose stages share the noise of a call of cargo most.
fn largest(costs: &[Cost]) -> impl Iterator<Item = &Cost> {
    let most = costs.iter().map(|cost| cost.stages).max().unwrap_or_default();
    costs.iter().filter(move |cost| cost.stages == most)
}

fn ms(sample: Sample) -> f64 {
    sample.wall.as_secs_f64() * 1e3
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
