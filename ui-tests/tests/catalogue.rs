//! Generates `docs/compile-errors.md` from the cases that fail, so that the page has exactly the messages of rustc.
//!
//! `UPDATE_EXPECT=1 cargo test -p ui-tests --test catalogue` regenerates it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const INTRODUCTION: &str = "\
# Compile errors

The messages of rustc for each mistake in a stage or a workflow, with one mistake in each example, and what to write
instead. This page is generated from the cases of `ui-tests`, which every test run compiles.

Some mistakes have only rustc's own message:

- **`expected type, found function`** (E0573) or **`cannot find type`** (E0425) at a stage in `workflow!` or
  `#[require(…)]`: the path names a function without `#[stage]`, or nothing. The function and the stage have one name,
  and one `use` imports both.
- **`the name … is defined multiple times`** (E0255, E0428): a module has the name of a stage, and both are in the
  namespace of types. Name modules in the plural, `mod summaries;`. Or a generated name exists already: a workflow
  `Report` and a stage `report` both generate `ReportInput` and `ReportConfig`, two stages `fetch2` and `fetch_2` both
  generate `Fetch2Input`, and a structure of your own can have such a name. Rename one of the two. rustc resolves the name
  to the first of the two types, and the generated implementations can reach their own type only through its name, so the
  errors after this one are its consequences.
- **`struct is not supported in `trait`s or `impl`s`** under `#[stage]`: a stage must be a free function. Move it out of the
  `impl` block or trait. A macro cannot see where its function is unless the function has a `self` or `Self`, so rustc
  reports each generated item.
- **`parameter defaults are not supported`**: the default of a setting is an option, `#[config(default = 3)] limit: usize`. An
  input has no default.

Errors that begin with `evaluation panicked:` come from the checks of the graph, which rustc runs when it evaluates
constants.
";

#[test]
fn the_page_of_compile_errors_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut page = INTRODUCTION.to_owned();
    for (folder, title) in [("stage", "Stages"), ("check", "Stages that wait"), ("workflow", "Workflows")] {
        write!(page, "\n## {title}\n").expect("a string takes everything");
        for case in cases(&root.join("tests").join(folder).join("fail")) {
            entry(&mut page, &case);
        }
    }
    let path = root.join("../docs/compile-errors.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(root.join("../docs")).expect("the folder can be made");
        fs::write(&path, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/compile-errors.md is out of date: run this test with UPDATE_EXPECT=1");
}

/// The cases of a folder by name.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut cases: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect();
    cases.sort();
    cases
}

/// One case: its name, the message of rustc, and its last line, which is what to write instead.
fn entry(page: &mut String, case: &Path) {
    let name =
        case.file_stem().and_then(|name| name.to_str()).expect("names of cases are ASCII").replace('_', " ");
    let text = fs::read_to_string(case.with_extension("stderr")).expect("every case has its text");
    // The path of the case is of no use to a reader.
    let text: String = text
        .lines()
        .map(|line| match line.split_once("--> tests/") {
            Some((before, path)) => {
                let file = path.rsplit('/').next().unwrap_or(path);
                let position = file.split_once(':').map_or("", |(_, position)| position);
                format!("{before}--> src/lib.rs:{position}\n")
            }
            None => format!("{}\n", line.replace(&format!("$DIR/{}", case_path(case)), "src/lib.rs")),
        })
        .collect();
    let mut name = name;
    name[..1].make_ascii_uppercase();
    let source = fs::read_to_string(case).expect("the case can be read");
    let fix = source.lines().last().and_then(|line| line.strip_prefix("// fix: ")).unwrap_or_default();
    assert!(!fix.is_empty(), "the last line of {} must be `// fix: …`", case.display());
    write!(page, "\n### {name}\n\n```text\n{text}```\n\n**Fix:** {fix}\n")
        .expect("a string takes everything");
}

/// The case's path as rustc prints it.
fn case_path(case: &Path) -> String {
    let parts: Vec<_> = case.iter().rev().take(4).map(|part| part.to_string_lossy().into_owned()).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}
