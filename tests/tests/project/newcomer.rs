//! The README's first minutes, as a newcomer follows them: an empty folder, the README's own blocks, a durable run.
//!
//! The project depends on this checkout and on the versions of its lock file, and nothing is downloaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than the build takes on a slow machine where no dependency is compiled yet.
const BUILD_LIMIT: Duration = Duration::from_mins(15);
/// Longer than any run of the program: one stage sleeps for 5 s.
const RUN_LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_readme_leads_from_an_empty_folder_to_a_durable_run() {
    let folder = tempfile::tempdir().unwrap();
    let project = create_project(folder.path()).await;
    build(&project).await;

    // Run, and kill it in the middle of a stage.
    let mut first = program(&project).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    let until_count = async {
        let mut printed = Vec::new();
        while printed.last().is_none_or(|line| line != "count") {
            printed
                .push(lines.next_line().await.unwrap().expect("the program ends before it prints `count`"));
        }
        printed
    };
    let printed = timeout(RUN_LIMIT, until_count).await.expect("the program prints `count` in time");
    assert_eq!(printed, ["split", "count"]);
    first.kill().await.unwrap();

    // The completed stage does not run again, the interrupted one does.
    let report = r#"Report { words: 10, longest: ["question", "that"] }"#;
    assert_eq!(run(&project).await, ["count", report]);
    // The run is complete.
    assert_eq!(run(&project).await, [report]);
}

/// A new project with the blocks of the README, and this checkout in the place of the git repository that they name.
async fn create_project(folder: &Path) -> PathBuf {
    let new = cargo(folder).args(["new", "--vcs", "none", "word-report"]).output();
    assert!(timeout(RUN_LIMIT, new).await.expect("`cargo new` ends in time").unwrap().status.success());
    let project = folder.join("word-report");

    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let dependencies = block(&readme, "toml");
    assert!(dependencies.starts_with("[dependencies]\n"), "{dependencies}");
    // Offline, cargo does not even read a `[patch]` of a repository that it has not fetched, so the source is replaced.
    let checkout = root().join("workflow-engine").display().to_string();
    let checkout = format!("path = {checkout:?}");
    let (before, git) = dependencies.split_once("git = \"").expect("a git dependency");
    let (_, after) = git.split_once('"').unwrap();
    let manifest = project.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(manifest, text.replacen("[dependencies]\n", &format!("{before}{checkout}{after}"), 1)).unwrap();

    fs::write(project.join("src/main.rs"), block(&readme, "rust")).unwrap();
    fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    project
}

/// The content of the first code block in this language.
fn block(text: &str, language: &str) -> String {
    let mut lines =
        text.lines().skip_while(|line| !line.strip_prefix("```").is_some_and(|l| l.starts_with(language)));
    lines.next().unwrap_or_else(|| panic!("the README has no block in `{language}`"));
    lines.take_while(|line| *line != "```").fold(String::new(), |text, line| text + line + "\n")
}

async fn build(project: &Path) {
    let build = cargo(project).args(["build", "--offline", "--quiet"]).output();
    let output = timeout(BUILD_LIMIT, build).await.expect("the project is built in time").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs the program to its end, and returns the lines that it prints.
async fn run(project: &Path) -> Vec<String> {
    let output =
        timeout(RUN_LIMIT, program(project).output()).await.expect("the program ends in time").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn program(project: &Path) -> Command {
    let name = format!("debug/word-report{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target().join(name));
    command
        .current_dir(project)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.env("CARGO_TARGET_DIR", target());
    // With the workspace's profile, cargo can reuse the registry's crates that the workspace compiles with the same
    // features.
    for profile in [r#"profile.dev.debug="line-tables-only""#, r#"profile.dev.package."*".debug=false"#] {
        command.args(["--config", profile]);
    }
    command
}

/// The folder in which this test was built, which later runs of it share.
fn target() -> PathBuf {
    let test_program = std::env::current_exe().unwrap();
    test_program.ancestors().nth(3).unwrap().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
