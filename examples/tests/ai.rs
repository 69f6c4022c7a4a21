//! The programs `ai_summary` and `ai_batch`, without an API key and without a network.

mod programs;

use std::path::Path;
use std::process::Command;

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let mut command = Command::new(programs::built(program));
    let output = command.args(arguments).current_dir(folder).env_remove("OPENAI_API_KEY").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(stdout) } else { Err(stderr) }
}

#[test]
fn a_document_is_summarised_and_its_facts_have_a_type() {
    let folder = tempfile::tempdir().unwrap();
    let stdout = run("ai_summary", &[], folder.path()).unwrap();
    assert!(stdout.contains("OPENAI_API_KEY is not set"), "{stdout}");
    assert!(stdout.contains("For more than a hundred years the lighthouse"), "{stdout}");
    assert!(
        stdout.contains("subject: The lighthouse on Skerry Rock\nyears:   [1871, 1903, 1929"),
        "{stdout}"
    );
    // A row for each of the two calls, and their sum, which is above zero.
    let amounts: Vec<f64> = stdout
        .lines()
        .filter_map(|line| line.strip_suffix(" USD")?.split(' ').next_back()?.parse().ok())
        .collect();
    assert_eq!(amounts.len(), 3, "{stdout}");
    assert!(amounts[0] > 0.0 && (amounts[0] + amounts[1] - amounts[2]).abs() < 1e-12, "{stdout}");
}

#[test]
fn a_missing_document_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let stderr = run("ai_summary", &["missing.txt"], folder.path()).unwrap_err();
    assert!(stderr.starts_with("error: missing.txt: "), "{stderr}");
}

#[test]
fn a_batch_is_awaited_and_each_item_is_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let stdout = run("ai_batch", &[], folder.path()).unwrap();
    assert!(stdout.contains("sending 200 reviews to gpt-5.4-nano in one batch"), "{stdout}");
    assert!(stdout.contains("not rated: review-49: "), "{stdout}");
    assert!(stdout.contains("196 rated, with 3.0 stars on average"), "{stdout}");
    let row = stdout.lines().find(|line| line.starts_with("gpt-5.4-nano")).expect(&stdout);
    let columns: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(columns[1..5], ["200", "196", "4", "0"], "{stdout}");
    assert!(stdout.contains("calls still pending may cost 0.00 USD"), "{stdout}");
}

#[test]
fn a_stored_run_is_not_paid_again() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--db", "ratings.db", "--reviews", "20"];
    let first = run("ai_batch", &arguments, folder.path()).unwrap();
    assert!(first.contains("20 rated"), "{first}");
    assert_eq!(run("ai_batch", &arguments, folder.path()).unwrap(), first);
}
