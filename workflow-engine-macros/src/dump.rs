//! `WORKFLOW_ENGINE_DUMP` prints the code that the macros generate: `1` for everything, a name for one stage or workflow.
//!
//! The output goes to the standard error of the compiler. Cargo does not track the variable, so `touch` a source file first.

use std::io::Write;
use std::process::{Command, Stdio};

use proc_macro2::{TokenStream, TokenTree};

/// Prints the expansion if the variable selects it.
pub fn dump(expansion: &TokenStream) {
    let Ok(wanted) = std::env::var("WORKFLOW_ENGINE_DUMP") else { return };
    let names = |token: TokenTree| matches!(token, TokenTree::Ident(ident) if ident == wanted.as_str());
    if wanted == "1" || expansion.clone().into_iter().any(names) {
        let source = expansion.to_string();
        eprintln!("{}", formatted(&source).unwrap_or(source));
    }
}

/// The source as rustfmt lays it out; `None` without rustfmt or if the source is incomplete.
fn formatted(source: &str) -> Option<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    rustfmt.stdin.take()?.write_all(source.as_bytes()).ok()?;
    let output = rustfmt.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}
