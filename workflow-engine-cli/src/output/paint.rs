//! Colours, for a terminal alone. Nothing depends on them: the words say the same.

use console::Style;

/// Returns the style of the status of a run, a stage or a check; `None` for other words.
pub fn status(word: &str) -> Option<Style> {
    // The output decides whether it has colours.
    let style = Style::new().force_styling(true);
    match word {
        "COMPLETED" | "ok" => Some(style.green()),
        "FAILED" | "PROBLEM" => Some(style.red().bold()),
        "RUNNING" => Some(style.cyan()),
        "SUSPENDED" | "CANCELLED" => Some(style.yellow()),
        _ => None,
    }
}

/// Paints the label of a line of standard error: `error: …`, `hint: …`.
pub fn label(line: &str) -> String {
    let style = match line.split_once(':').map(|(label, _)| label) {
        Some("error") => Style::new().red().bold(),
        Some("cause") => Style::new().yellow(),
        Some("hint") => Style::new().cyan(),
        _ => return line.to_owned(),
    };
    let (label, text) = line.split_at(line.find(':').unwrap_or(0));
    format!("{}{text}", style.for_stderr().apply_to(label))
}
