//! Compiles one program and measures its errors.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use serde_json::Value;

use crate::catalogue::Engine;

/// The result of checking a program.
pub enum Finding {
    /// It compiles.
    Accepted,
    /// It does not compile.
    Refused {
        errors: usize,
        /// Lines of all errors as rustc prints them, with their notes.
        lines: usize,
        underlined: Underlined,
    },
}

/// How close the errors are to the culprit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Underlined {
    Elsewhere,
    /// Something else on the culprit's line, or more than the culprit.
    Line,
    Token,
}

/// Returns the source file of a mistake.
pub fn source(engine: &Engine, file: &str) -> PathBuf {
    folder(engine).join("src/bin").join(file).with_extension("rs")
}

/// Returns the engine's version from the lock file.
pub fn version(engine: &Engine) -> io::Result<String> {
    let lock = fs::read_to_string(folder(engine).join("Cargo.lock"))?;
    let name = if engine.name == "sayiir" { "sayiir-runtime" } else { engine.name };
    let after = lock.split(&format!("name = \"{name}\"\nversion = \"")).nth(1).unwrap_or_default();
    Ok(after.split('"').next().unwrap_or_default().to_owned())
}

/// Checks a program and reads the compiler's messages.
pub fn check(engine: &Engine, file: &str) -> io::Result<Finding> {
    let target = folder(engine).join("../../../../target/mistakes");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--quiet", "--locked", "--message-format=json", "--bin", file])
        .current_dir(folder(engine))
        .env("CARGO_TARGET_DIR", target)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if output.status.success() {
        return Ok(Finding::Accepted);
    }
    let culprit = culprit(&fs::read_to_string(source(engine, file))?);
    let (mut errors, mut lines, mut underlined) = (0, 0, Underlined::Elsewhere);
    for message in
        String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok())
    {
        let message: Value = message;
        let (message, target) = (&message["message"], &message["target"]["name"]);
        let spans = message["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
        // An error without a span is the final summary: `aborting due to …`.
        if message["level"] != "error" || target != file || spans.is_empty() {
            continue;
        }
        errors += 1;
        lines += message["rendered"].as_str().unwrap_or_default().trim_end().lines().count();
        for span in spans.iter().filter(|span| span["is_primary"] == true) {
            underlined = underlined.max(place(span, culprit.as_ref()));
        }
    }
    Ok(Finding::Refused { errors, lines, underlined })
}

/// Returns the number of the marked line and the token that the mark names.
fn culprit(text: &str) -> Option<(u64, String)> {
    (1..)
        .zip(text.lines())
        .find_map(|(number, line)| Some((number, line.split_once("//~ ")?.1.trim().to_owned())))
}

fn place(span: &Value, culprit: Option<&(u64, String)>) -> Underlined {
    let Some((line, token)) = culprit else { return Underlined::Elsewhere };
    if span["line_start"] != *line {
        return Underlined::Elsewhere;
    }
    let text = &span["text"][0];
    let column = |key: &str| text[key].as_u64().and_then(|column| usize::try_from(column).ok()).unwrap_or(1);
    let whole: Vec<char> = text["text"].as_str().unwrap_or_default().chars().collect();
    let marked: String = whole
        .get(column("highlight_start") - 1..column("highlight_end") - 1)
        .unwrap_or_default()
        .iter()
        .collect();
    // A reference to the culprit counts as the culprit.
    if marked.trim_start_matches('&') == token { Underlined::Token } else { Underlined::Line }
}

fn folder(engine: &Engine) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/mistakes").join(engine.name)
}
