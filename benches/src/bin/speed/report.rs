//! The figures as Markdown.

use std::fmt::Write;

use crate::line::Line;
use crate::session::Figures;

/// A table: its work, its title, and the figures that are its columns, with their titles and decimals.
type Table = (&'static str, &'static str, &'static [(&'static str, &'static str, usize)]);

const TABLES: &[Table] = &[
    (
        "w1",
        "W1: diamonds at once",
        &[
            ("runs_per_s", "runs/s", 0),
            ("stages_per_s", "stages/s", 0),
            ("starts_per_s", "starts/s", 0),
            ("client_cpu_ms_per_run", "processor ms a run, without the server", 3),
            ("commits_per_stage", "commits a stage", 3),
            ("statements_per_stage", "statements a stage", 3),
            ("requests_per_commit", "requests a commit", 1),
            ("peak_mib", "peak MiB", 0),
        ],
    ),
    (
        "w2",
        "W2: one diamond at a time, from the start to the typed output",
        &[
            ("p50_ms", "p50 ms", 3),
            ("p99_ms", "p99 ms", 3),
            ("commits_per_stage", "commits a stage", 3),
            ("statements_per_commit", "statements a commit", 2),
        ],
    ),
    (
        "w3",
        "W3: chains of ten at once",
        &[
            ("runs_per_s", "runs/s", 0),
            ("stages_per_s", "stages/s", 0),
            ("commits_per_stage", "commits a stage", 3),
            ("requests_per_commit", "requests a commit", 1),
        ],
    ),
];

/// Tables with what they were measured on.
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
    writeln!(text, "SQLite: WAL, `synchronous=FULL`.")?;
    if let Some(postgres) = &machine.postgres {
        writeln!(text, "PostgreSQL: {postgres}.")?;
    }
    for (work, title, columns) in TABLES {
        let lines: Vec<&Line> = figures.medians.iter().filter(|line| line.work == *work).collect();
        if !lines.is_empty() {
            table(text, title, columns, &lines)?;
        }
    }
    Ok(())
}

fn table(
    text: &mut String,
    title: &str,
    columns: &[(&str, &str, usize)],
    lines: &[&Line],
) -> std::fmt::Result {
    writeln!(text, "\n### {title}\n")?;
    write!(text, "| who | store | settings |")?;
    for (_, title, _) in columns {
        write!(text, " {title} |")?;
    }
    writeln!(text, "\n|---|---|---|{}", "---:|".repeat(columns.len()))?;
    for line in lines {
        write!(text, "| {} | {} | {} |", line.who, line.store, line.note)?;
        for (name, _, decimals) in columns {
            match line.figures.get(*name) {
                Some(figure) => write!(text, " {figure:.decimals$} |")?,
                None => write!(text, " |")?,
            }
        }
        writeln!(text)?;
    }
    Ok(())
}
