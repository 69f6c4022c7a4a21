//! Formats the figures as Markdown.

use std::fmt::Write;

use crate::line::Line;
use crate::session::Figures;

/// A table: the prefix of its works' names, its title, and its columns. A column is a figure, its title and its decimals.
type Table = (&'static str, &'static str, &'static [Column]);
type Column = (&'static str, &'static str, usize);

const TABLES: &[Table] = &[
    (
        "w1",
        "W1: 2,000 diamonds at once, from the first start to the last completion",
        &[
            ("runs_per_s", "runs/s", 0),
            ("stages_per_s", "stages/s", 0),
            ("client_cpu_ms_per_run", "processor ms per run, without the server", 3),
            ("commits_per_stage", "commits per stage", 3),
            ("statements_per_commit", "statements per commit", 1),
            ("requests_per_commit", "operations per commit", 1),
            ("peak_mib", "peak MiB", 0),
        ],
    ),
    (
        "w2",
        "W2: one diamond at a time, from the start to the typed output",
        &[
            ("p50_ms", "p50 ms", 3),
            ("p99_ms", "p99 ms", 3),
            ("commits_per_stage", "commits per stage", 3),
            ("statements_per_commit", "statements per commit", 1),
        ],
    ),
    (
        "w3",
        "W3: 500 chains of ten at once",
        &[
            ("runs_per_s", "runs/s", 0),
            ("stages_per_s", "stages/s", 0),
            ("client_cpu_ms_per_run", "processor ms per run, without the server", 3),
            ("commits_per_stage", "commits per stage", 3),
            ("requests_per_commit", "operations per commit", 1),
        ],
    ),
    (
        "w4-processes",
        "W4: W1, executed by other processes",
        &[("runs_per_s", "runs/s", 0), ("starts_per_s", "starts/s", 0)],
    ),
    (
        "w4-finished",
        "W4: finished runs in the tables",
        &[
            ("finished", "finished", 0),
            ("runs_per_s", "W1 runs/s", 0),
            ("p50_ms", "W2 p50 ms", 3),
            ("p99_ms", "W2 p99 ms", 3),
            ("rows_scanned", "rows read by sequential scans", 0),
        ],
    ),
    (
        "w4-stages",
        "W4: the number of stages of a run",
        &[("stages", "stages", 0), ("ms_per_stage", "ms per stage", 3)],
    ),
    (
        "w4-suspended",
        "W4: runs that wait for a day",
        &[
            ("suspended", "waiting", 0),
            ("runs_per_s", "W1 runs/s", 0),
            ("idle_statements_per_s", "statements/s while idle", 2),
            ("idle_wakeups_per_s", "wake-ups/s while idle", 2),
        ],
    ),
    (
        "w4-delayed",
        "W4: runs whose jobs are due in a week",
        &[
            ("delayed", "delayed", 0),
            ("runs_per_s", "W1 runs/s", 0),
            ("p50_ms", "a run that is claimed from the queue, p50 ms", 3),
            ("p99_ms", "p99 ms", 3),
        ],
    ),
    (
        "delayed",
        "Stages and runs that are due in a week, as many of each",
        &[
            ("delayed", "delayed", 0),
            ("runs_per_s", "W1 runs/s", 0),
            ("late_p50_ms", "late, p50 ms", 1),
            ("late_max_ms", "latest, ms", 1),
            ("idle_transactions_per_s", "transactions/s while idle", 2),
            ("idle_wakeups_per_s", "wake-ups/s while idle", 2),
        ],
    ),
    (
        "operate",
        "10,000 diamonds while people look: streams of single runs, and the list with its live states",
        &[
            ("viewers", "streams", 0),
            ("runs_per_s", "runs/s", 0),
            ("client_cpu_ms_per_run", "processor ms per run, without the store's server", 3),
            ("messages", "messages", 0),
            ("lists", "lists", 0),
            ("list_ms", "a list, mean ms", 1),
        ],
    ),
    (
        "page",
        "The data of the dashboard's page of a run",
        &[("stages", "stages", 0), ("p50_ms", "p50 ms", 1), ("max_ms", "slowest of 50, ms", 1)],
    ),
    (
        "lists",
        "Lists of runs, a page of 50: the slowest of 100",
        &[
            ("ended", "ended runs", 0),
            ("slowest_p99_ms", "any list, p99 ms", 2),
            ("newest_ms", "newest", 2),
            ("workflow_ms", "of a workflow", 2),
            ("unfinished_ms", "unfinished", 2),
            ("failed_ms", "failed", 2),
            ("error_code_ms", "by error code", 2),
            ("tag_ms", "by tag", 2),
            ("tag_and_failed_ms", "by tag and status", 2),
            ("other_workflow_ms", "nothing matches", 2),
            ("indexed_workflow_ms", "with the index by workflow", 2),
            ("count_ms", "count, ms", 2),
        ],
    ),
    (
        "w5",
        "W5: an idle worker",
        &[
            ("transactions_per_s", "transactions/s, including reads", 2),
            ("written_per_s", "of which writes", 2),
            ("processor_permille", "processor use, ‰", 2),
            ("wakeups_per_s", "wake-ups/s", 1),
            ("resident_mib", "MiB", 1),
        ],
    ),
    (
        "w6",
        "W6: writes of a stage of a diamond",
        &[
            ("commits_per_stage", "commits", 3),
            ("syncs_per_stage", "syncs of the log", 3),
            ("statements_per_commit", "statements per commit", 1),
            ("transactions_per_stage", "transactions, including reads", 3),
            ("rows_per_stage", "rows", 2),
            ("bytes_per_stage", "bytes", 0),
            ("bytes_without_images_per_stage", "without full-page images", 0),
        ],
    ),
    (
        "reaction",
        "Reaction time of an idle worker",
        &[
            ("to_body_p50_ms", "start to body, p50 ms", 2),
            ("to_body_p99_ms", "p99 ms", 2),
            ("back_p50_ms", "body to output, p50 ms", 2),
            ("back_p99_ms", "p99 ms", 2),
            ("lost", "missed notifications", 0),
        ],
    ),
    (
        "fair",
        "Behind a long queue",
        &[
            ("queued", "queued at the start", 0),
            ("left", "queued at the end", 0),
            ("p50_ms", "a run behind it, p50 ms", 1),
            ("p99_ms", "p99 ms", 1),
            ("others_meanwhile_each", "queued runs executed first", 1),
            ("starts_per_s", "starts/s meanwhile", 0),
            ("before_mib", "MiB before", 0),
            ("peak_mib", "peak MiB", 0),
        ],
    ),
    (
        "memory",
        "Large outputs",
        &[("seconds", "seconds", 2), ("before_mib", "MiB before", 0), ("peak_mib", "peak MiB", 0)],
    ),
];

/// Returns the tables, with a description of the machine.
pub fn markdown(figures: &Figures) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(figures, &mut text);
    text
}

fn write_all(figures: &Figures, text: &mut String) -> std::fmt::Result {
    let machine = &figures.machine;
    writeln!(
        text,
        "{} × {}, {:.0} GiB, Linux {}, {}; SQLite files on {}; load {} before and {} after; medians of {}.",
        machine.processors,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.rustc,
        machine.sqlite_on,
        machine.load[0],
        machine.load[1],
        figures.repeats,
    )?;
    writeln!(text, "SQLite: WAL, `synchronous=FULL` except with `--relaxed`.")?;
    if let Some(postgres) = &machine.postgres {
        writeln!(text, "PostgreSQL: {postgres}.")?;
    }
    for (begin, title, columns) in TABLES {
        let lines: Vec<&Line> = figures.medians.iter().filter(|line| line.work.starts_with(begin)).collect();
        if !lines.is_empty() {
            table(text, title, columns, &lines)?;
            compare(text, &lines)?;
        }
    }
    if !figures.failures.is_empty() {
        writeln!(text, "\n### Not measured\n")?;
    }
    for failure in &figures.failures {
        writeln!(text, "- {failure}")?;
    }
    Ok(())
}

fn table(text: &mut String, title: &str, columns: &[Column], lines: &[&Line]) -> std::fmt::Result {
    // A column without figures is left out.
    let columns: Vec<&Column> = columns
        .iter()
        .filter(|(name, _, _)| lines.iter().any(|line| line.figures.contains_key(*name)))
        .collect();
    writeln!(text, "\n### {title}\n")?;
    write!(text, "| who | store | settings |")?;
    for (_, title, _) in &columns {
        write!(text, " {title} |")?;
    }
    writeln!(text, "\n|---|---|---|{}", "---:|".repeat(columns.len()))?;
    for line in lines {
        let how = if line.note.is_empty() { &line.work } else { &line.note };
        write!(text, "| {} | {} | {how} |", line.who, line.store)?;
        for (name, _, decimals) in &columns {
            match line.figures.get(*name) {
                Some(figure) => write!(text, " {figure:.decimals$} |")?,
                None => write!(text, " |")?,
            }
        }
        writeln!(text)?;
    }
    Ok(())
}

/// Compares the engine with the floor and the fastest peer on the same store.
fn compare(text: &mut String, lines: &[&Line]) -> std::fmt::Result {
    if lines.iter().any(|line| line.who != "engine") {
        writeln!(text)?;
    }
    for ours in lines.iter().filter(|line| line.who == "engine") {
        // For throughput more is better, for latency less.
        let (name, is_best): (&str, fn(f64, f64) -> bool) = if ours.figures.contains_key("p50_ms") {
            ("p50_ms", |left, right| left < right)
        } else {
            ("runs_per_s", |left, right| left > right)
        };
        let Some(figure) = ours.figures.get(name) else { continue };
        let ratio = |other: f64| if name == "p50_ms" { other / figure } else { figure / other };
        let others = lines.iter().filter(|line| line.store == ours.store && line.who != "engine");
        let mut peer: Option<(&str, f64)> = None;
        for other in others {
            let Some(&theirs) = other.figures.get(name) else { continue };
            if other.who == "floor" {
                writeln!(text, "- {}: {:.0} % of the floor.", ours.store, ratio(theirs) * 100.0)?;
            } else if peer.is_none_or(|(_, best)| is_best(theirs, best)) {
                peer = Some((&other.who, theirs));
            }
        }
        if let Some((who, best)) = peer {
            writeln!(text, "- {}: {:.1} × the fastest peer, {who}.", ours.store, ratio(best))?;
        }
    }
    Ok(())
}
