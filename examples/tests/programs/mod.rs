//! Where cargo has put the programs.

use std::fs;
use std::path::{Path, PathBuf};

/// The program that cargo has built for this run of the tests: examples stand beside the folder of the test programs.
pub fn built(name: &str) -> PathBuf {
    let test_program = std::env::current_exe().unwrap();
    let folder = test_program.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let advice = format!(
        "`cargo test` builds it; with `--test`, run `cargo build -p examples --example {name}` before"
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

/// The files that the program was built from, which cargo lists beside it: `program: file file …`, with `\ ` for a
/// space within a name.
fn sources(folder: &Path, name: &str) -> Vec<PathBuf> {
    let listed = fs::read_to_string(folder.join(format!("{name}.d"))).unwrap();
    let (_, files) = listed.split_once(": ").unwrap();
    let files = files.lines().next().unwrap().replace("\\ ", "\0");
    files.split_whitespace().map(|file| PathBuf::from(file.replace('\0', " "))).collect()
}
