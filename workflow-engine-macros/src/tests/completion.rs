//! The imports that editors use to complete options.

use super::tokens;
use crate::options::{CHECK, CONFIG, INPUT, RETRY, STAGE, Table, WORKFLOW};
use crate::{check, stage, workflow};

/// The imports in an expansion.
fn imports(expansion: &proc_macro2::TokenStream) -> Vec<String> {
    let text = expansion.to_string().replace(' ', "");
    let imports = text.split(';').filter_map(|item| item.split_once("__private::ide::"));
    imports.map(|(_, path)| path.replace('{', "").replace("as_}", "")).collect()
}

#[test]
fn every_option_is_imported_also_a_half_typed_one() {
    let function = "async fn load(#[input(pat)] path: String, #[config(default = f(1, x), ran)] max: u32) -> StageResult<u32> { Ok(1) }";
    let expansion =
        stage::expand(tokens("timeout = \"30s\", retry(max_attempts = 3, ini), ver"), tokens(function));
    assert_eq!(
        imports(&expansion),
        [
            "stage::timeout",
            "retry::max_attempts",
            "retry::ini",
            "stage::retry",
            "stage::ver",
            "input::pat",
            "config::default",
            "config::ran"
        ]
    );
    assert!(expansion.to_string().contains("cfg (rust_analyzer)"));
}

#[test]
fn checks_and_workflows_have_theirs() {
    let function =
        "async fn done(ticket: &u32, #[config(range(1..))] max: u32) -> StageResult<Check<u32>> { body }";
    let expansion = check::expand(tokens("crate = ::engine"), tokens(function));
    assert_eq!(imports(&expansion), ["config::range"]);
    assert!(expansion.to_string().replace(' ', "").contains("use::engine::__private::ide::config"));
    let expansion = workflow::expand(tokens("#[workflow(id = \"a\", ve)] pub w = a >> b"));
    assert_eq!(imports(&expansion), ["workflow::id", "workflow::ve"]);
}

#[test]
fn nothing_is_imported_where_nothing_is_written() {
    let expansion =
        stage::expand(tokens(""), tokens("async fn load(path: String) -> StageResult<u32> { Ok(1) }"));
    assert!(!expansion.to_string().contains("rust_analyzer"));
}

#[test]
fn every_option_has_a_documented_constant() {
    let source = include_str!("../../../workflow-engine/src/lower/ide.rs");
    let tables: [(&str, &Table); 6] = [
        ("stage", &STAGE),
        ("check", &CHECK),
        ("retry", &RETRY),
        ("config", &CONFIG),
        ("input", &INPUT),
        ("workflow", &WORKFLOW),
    ];
    for (module, table) in tables {
        let (_, rest) = source.split_once(&format!("pub mod {module} {{")).expect("there is a module");
        let constants = rest.split_once("\n/// Options").map_or(rest, |(constants, _)| constants);
        for name in table.names.iter().filter(|name| **name != "crate") {
            assert!(constants.contains(&format!("pub const {name}: ()")), "`{name}` of {}", table.owner);
        }
        assert_eq!(
            constants.matches("pub const").count(),
            table.names.iter().filter(|name| **name != "crate").count(),
            "{}",
            table.owner
        );
    }
}
