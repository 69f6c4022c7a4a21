//! What the published crates promise to programs that depend on them: licences, versions of their dependencies, and the
//! crates that are part of the public interface.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use serde_json::Value;

/// The licences of `deny.toml`.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The crates that a program gets with all features of the library, as they are in the lock file.
fn dependencies() -> Vec<Value> {
    let metadata = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let metadata: Value = serde_json::from_str(&cargo(&metadata)).unwrap();
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(&package["id"]), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let library = |(_, package): &(&&str, &&Value)| text(&package["name"]) == "durable-stages";
    let mut open: Vec<&str> = packages.iter().filter(library).map(|(id, _)| *id).collect();
    let mut found: BTreeSet<&str> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let mut kinds = dependency["dep_kinds"].as_array().unwrap().iter();
            let is_shipped = kinds.any(|kind| text(&kind["kind"]) != "dev");
            if is_shipped && found.insert(text(&dependency["pkg"])) {
                open.push(text(&dependency["pkg"]));
            }
        }
    }
    found.into_iter().map(|id| packages[id].clone()).collect()
}

/// Whether an expression of SPDX can be satisfied with the licences.
fn is_allowed(expression: &str) -> bool {
    let is_known = |licence: &str| {
        let licence = licence.trim().trim_matches(['(', ')']);
        LICENCES.contains(&licence)
    };
    // A slash is the older form of `OR`. A choice within parentheses offers each of its parts.
    let expression = expression.replace('/', " OR ");
    expression.split(" AND ").all(|part| part.split(" OR ").any(is_known))
}

#[test]
fn every_dependency_has_a_licence_of_the_list() {
    let refused: Vec<String> = dependencies()
        .iter()
        .filter(|package| !is_allowed(text(&package["license"])))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let page = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    for licence in LICENCES {
        assert!(page.contains(&format!("\"{licence}\"")), "`deny.toml` lacks {licence}");
    }
}

#[test]
fn a_crate_with_two_versions_is_listed_with_its_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in dependencies() {
        let (name, version) = (text(&package["name"]).to_owned(), text(&package["version"]).to_owned());
        versions.entry(name).or_default().insert(version);
    }
    let twice: Vec<&String> =
        versions.iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| name).collect();
    let page = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let skipped = page.split("skip = [").nth(1).unwrap().split(']').next().unwrap();
    let listed: Vec<&str> =
        skipped.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next()).collect();
    assert_eq!(twice, listed, "`deny.toml` lists the crates of which there are two versions");
}

/// Returns a version of Rust as numbers: `1.94`, or `1.94.0`.
fn rust_version(text: &str) -> Vec<u64> {
    let mut parts: Vec<u64> = text.split('.').map(|part| part.parse().unwrap()).collect();
    parts.resize(3, 0);
    parts
}

/// The clippy lint `incompatible_msrv` refuses newer parts of the standard library in our own code.
#[test]
fn the_rust_version_that_we_promise_is_enough_for_every_dependency() {
    let all = dependencies();
    let ours = all.iter().find(|package| text(&package["name"]) == "durable-stages").unwrap();
    let ours = text(&ours["rust_version"]);
    let newer: Vec<String> = all
        .iter()
        .filter(|package| {
            package["rust_version"].as_str().is_some_and(|theirs| rust_version(theirs) > rust_version(ours))
        })
        .map(|package| {
            format!("{} {} needs {}", package["name"], package["version"], package["rust_version"])
        })
        .collect();
    assert!(newer.is_empty(), "raise `rust-version` in Cargo.toml, or take an older version: {newer:#?}");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(
        readme.contains(&format!("You need Rust {ours} or later")),
        "the README promises another version"
    );
}

/// A new major version of one of these is a new major version of the library.
#[test]
fn the_public_dependencies_are_those_of_the_list() {
    let public =
        "async-trait chrono futures-util schemars secrecy serde serde_json sqlx tokio tokio-util uuid";
    let direct: Value = {
        let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--no-deps"]);
        serde_json::from_str(&metadata).unwrap()
    };
    let packages = direct["packages"].as_array().unwrap();
    let library = packages.iter().find(|package| text(&package["name"]) == "durable-stages").unwrap();
    let shipped = library["dependencies"].as_array().unwrap().iter().filter(|one| one["kind"].is_null());
    let private: BTreeSet<&str> = shipped
        .map(|one| text(&one["name"]))
        .filter(|name| !public.split(' ').any(|known| known == *name))
        .collect();
    expect![[r#"
        [
            "backon",
            "base64",
            "chrono-tz",
            "croner",
            "durable-stages-macros",
            "foldhash",
            "jsonschema",
            "memchr",
            "notify",
            "opentelemetry",
            "regex",
            "reqwest",
            "rusqlite",
            "rustix",
            "rustls",
            "rustls-platform-verifier",
            "serde_ignored",
            "sha2",
            "sqlx-core",
            "sqlx-postgres",
            "thiserror",
            "tracing",
            "tracing-opentelemetry",
        ]
    "#]]
    .assert_debug_eq(&private.iter().collect::<Vec<_>>());
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for name in public.split(' ') {
        assert!(readme.contains(&format!("`{name}`")), "the README does not list `{name}`");
    }
}

#[test]
fn all_packages_contain_their_licences_their_readme_and_their_documents() {
    for (package, more) in [
        ("durable-stages", &["docs/guide/README.md", "docs/overview.md"][..]),
        ("durable-stages-macros", &["docs/stage.md"]),
        ("durable-stages-server", &["docs/overview.md"]),
    ] {
        let list = cargo(&["package", "--list", "--allow-dirty", "--offline", "-p", package]);
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"].iter().chain(more) {
            assert!(list.lines().any(|line| line == *file), "{package} lacks {file}");
        }
    }
}
