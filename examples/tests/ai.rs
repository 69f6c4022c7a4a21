//! The programs `ai_summary` and `ai_batch`, without a key and without a network.

mod programs;

use std::path::Path;
use std::process::Command;

fn said(program: &str, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let mut command = Command::new(programs::built(program));
    let output = command.args(arguments).current_dir(folder).env_remove("OPENAI_API_KEY").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(said) } else { Err(complained) }
}

#[test]
fn a_document_is_summarised_and_its_facts_have_a_type() {
    let folder = tempfile::tempdir().unwrap();
    let said = said("ai_summary", &[], folder.path()).unwrap();
    assert!(said.contains("OPENAI_API_KEY is not set"), "{said}");
    assert!(said.contains("For more than a hundred years the lighthouse"), "{said}");
    assert!(said.contains("subject: The lighthouse on Skerry Rock\nyears:   [1871, 1903, 1929"), "{said}");
    // A row for each of the two calls, and their sum, which is more than nothing.
    let amounts: Vec<f64> = said
        .lines()
        .filter_map(|line| line.strip_suffix(" USD")?.split(' ').next_back()?.parse().ok())
        .collect();
    assert_eq!(amounts.len(), 3, "{said}");
    assert!(amounts[0] > 0.0 && (amounts[0] + amounts[1] - amounts[2]).abs() < 1e-12, "{said}");
}

#[test]
fn a_document_that_is_not_there_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let complained = said("ai_summary", &["missing.txt"], folder.path()).unwrap_err();
    assert!(complained.starts_with("error: missing.txt: "), "{complained}");
}

#[test]
fn a_batch_is_waited_for_and_accounted_for_item_by_item() {
    let folder = tempfile::tempdir().unwrap();
    let said = said("ai_batch", &[], folder.path()).unwrap();
    assert!(said.contains("200 reviews go to gpt-5.4-nano in one batch"), "{said}");
    assert!(said.contains("not rated: review-49: "), "{said}");
    assert!(said.contains("196 are rated, with 3.0 stars on average"), "{said}");
    let row = said.lines().find(|line| line.starts_with("gpt-5.4-nano")).expect(&said);
    let columns: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(columns[1..5], ["200", "196", "4", "0"], "{said}");
    assert!(said.contains("0.00 USD may still be asked for"), "{said}");
}

#[test]
fn a_run_that_is_on_disk_is_not_paid_again() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--db", "ratings.db", "--reviews", "20"];
    let first = said("ai_batch", &arguments, folder.path()).unwrap();
    assert!(first.contains("20 are rated"), "{first}");
    assert_eq!(said("ai_batch", &arguments, folder.path()).unwrap(), first);
}
