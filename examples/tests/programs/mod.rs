//! Finds the programs that cargo has built.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the program that cargo has built for this test run: examples are in a folder beside that of the test programs.
pub fn built(name: &str) -> PathBuf {
    let test_program = std::env::current_exe().unwrap();
    let folder = test_program.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let advice = format!(
        "`cargo test` builds it; with `--test`, run `cargo build -p examples --example {name}` first"
    );
    assert!(program.is_file(), "{} is missing: {advice}", program.display());
    let built = fs::metadata(&program).unwrap().modified().unwrap();
    for source in sources(&folder, name) {
        let changed = fs::metadata(&source).and_then(|metadata| metadata.modified());
        assert!(
            changed.is_ok_and(|changed| changed <= built),
            "{} is older than {}: {advice}",
            program.display(),
            source.display()
        );
    }
    program
}

/// Returns the source files of the program. Cargo lists them in a file beside it, as `program: file file …`, with `\ ` for
/// a space in a name.
fn sources(folder: &Path, name: &str) -> Vec<PathBuf> {
    let listed = fs::read_to_string(folder.join(format!("{name}.d"))).unwrap();
    let (_, files) = listed.split_once(": ").unwrap();
    let files = files.lines().next().unwrap().replace("\\ ", "\0");
    files.split_whitespace().map(|file| PathBuf::from(file.replace('\0', " "))).collect()
}
