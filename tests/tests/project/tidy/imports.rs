//! Who imports whom in the library: the floors of its folders, and circles between its files.
//!
//! The source is read as text: `use` trees, and paths that begin with `crate::` or `super::`. A name that a parent module
//! re-exports counts as imported from the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

/// The modules of the library by path (`stores::sqlite::writer`), each with what it imports.
pub struct Library {
    files: BTreeMap<String, Module>,
}

struct Module {
    /// Where the file is, for messages.
    file: String,
    /// Absolute paths of what it names: `records::run::RunRecord`.
    names: BTreeSet<String>,
    /// The names that it re-exports, with the paths of what they stand for.
    exports: BTreeMap<String, String>,
}

impl Library {
    /// Reads the files: their path below `src/`, and their text.
    pub fn read(files: impl Iterator<Item = (String, String)>) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files {
            let path = module_path(&file);
            let code = without_tests_and_comments(&text);
            let mut module = Module { file, names: BTreeSet::new(), exports: BTreeMap::new() };
            for (is_public, tree) in use_trees(&code) {
                for leaf in leaves(&tree) {
                    let Some(name) = absolute(&path, &leaf) else { continue };
                    if is_public {
                        let own = name.rsplit("::").next().unwrap_or_default().to_owned();
                        module.exports.insert(own, name.clone());
                    }
                    module.names.insert(name);
                }
            }
            for inline in inline_paths(&code) {
                module.names.extend(absolute(&path, &inline));
            }
            modules.insert(path, module);
        }
        Self { files: modules }
    }

    /// The pairs of files of which one imports the other.
    pub fn arrows(&self) -> Vec<(&str, &str)> {
        let mut arrows = BTreeSet::new();
        for (path, module) in &self.files {
            for name in &module.names {
                if let Some(target) = self.definition(name)
                    && target != path
                {
                    arrows.insert((path.as_str(), target));
                }
            }
        }
        arrows.into_iter().collect()
    }

    /// Arrows from a folder to one above it: `floors` lists them from the lowest to the highest.
    pub fn upward<'a>(&'a self, floors: &[&str]) -> Vec<String> {
        let floor = |path: &'a str| {
            let folder = path.split("::").next().unwrap_or_default();
            (folder, floors.iter().position(|name| *name == folder))
        };
        let mut wrong = Vec::new();
        for (from, to) in self.arrows() {
            match (floor(from), floor(to)) {
                ((_, Some(below)), (_, Some(above))) if above > below => {
                    wrong.push(format!("{} imports {}", self.file(from), self.file(to)));
                }
                ((folder, None), _) | (_, (folder, None)) if !folder.is_empty() => {
                    wrong.push(format!("`{folder}` has no floor"));
                }
                _ => {}
            }
        }
        wrong.dedup();
        wrong
    }

    /// Circles of files that import one another, other than a parent module and its children.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let is_family = |a: &str, b: &str| is_inside(a, b) || is_inside(b, a);
        let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in self.arrows() {
            if !is_family(from, to) {
                reach.entry(from).or_default().insert(to);
            }
        }
        let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
        let reachable = |start: &str| {
            let mut seen: BTreeSet<&str> = BTreeSet::new();
            let mut open: Vec<&str> = reach.get(start).into_iter().flatten().copied().collect();
            while let Some(next) = open.pop() {
                if seen.insert(next) {
                    open.extend(reach.get(next).into_iter().flatten());
                }
            }
            seen
        };
        let all: BTreeMap<&str, BTreeSet<&str>> = reach.keys().map(|path| (*path, reachable(path))).collect();
        for (path, seen) in &all {
            if seen.contains(path) {
                let circle =
                    seen.iter().filter(|other| all.get(**other).is_some_and(|back| back.contains(path)));
                circles.insert(circle.map(|other| self.file(other).to_owned()).collect());
            }
        }
        circles.into_iter().collect()
    }

    fn file(&self, path: &str) -> &str {
        &self.files[path].file
    }

    /// The file that defines what a path names: the longest prefix that is a module, through re-exports.
    fn definition(&self, name: &str) -> Option<&str> {
        let mut name = name.to_owned();
        for _ in 0..8 {
            let (path, module) = self.prefix(&name)?;
            let rest = name[path.len()..].trim_start_matches("::");
            let first = rest.split("::").next().unwrap_or_default();
            match module.exports.get(first) {
                Some(target) if !first.is_empty() && self.prefix(target).is_some() => {
                    let tail = &rest[first.len()..];
                    name = format!("{target}{tail}");
                }
                _ => return Some(path),
            }
        }
        None
    }

    fn prefix(&self, name: &str) -> Option<(&str, &Module)> {
        let mut path = name;
        loop {
            if let Some((path, module)) = self.files.get_key_value(path) {
                return Some((path, module));
            }
            path = path.rsplit_once("::")?.0;
        }
    }
}

fn is_inside(inner: &str, outer: &str) -> bool {
    outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"))
}

fn module_path(file: &str) -> String {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

/// The code before the unit tests, without comments and the texts of literals.
fn without_tests_and_comments(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
    let mut code = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (number, part) in line.split('"').enumerate() {
            if number % 2 == 0 {
                code.push_str(part);
            }
        }
        code.push('\n');
    }
    code
}

/// The trees of all `use` items, with whether they are public.
fn use_trees(code: &str) -> Vec<(bool, String)> {
    let mut trees = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in code.lines().map(str::trim) {
        let begins = |prefix: &str| line.strip_prefix(prefix);
        let rest = if open.is_some() {
            Some(line)
        } else if let Some(rest) = begins("use ") {
            open = Some((false, String::new()));
            Some(rest)
        } else if line.starts_with("pub") && line.contains("use ") {
            let rest = line.split_once("use ").map(|(_, rest)| rest);
            open = Some((true, String::new()));
            rest
        } else {
            None
        };
        let (Some(rest), Some((is_public, mut tree))) = (rest, open.take()) else { continue };
        if let Some((end, _)) = rest.split_once(';') {
            tree.push_str(end);
            trees.push((is_public, tree));
        } else {
            tree.push_str(rest);
            open = Some((is_public, tree));
        }
    }
    trees
}

/// The code without its `use` items.
fn without_use_trees(code: &str) -> String {
    let mut rest = String::new();
    let mut is_open = false;
    for line in code.lines() {
        let is_use =
            line.trim_start().starts_with("use ") || line.starts_with("pub") && line.contains("use ");
        if is_open || is_use {
            is_open = !line.contains(';');
        } else {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    rest
}

/// The paths of a `use` tree, without their renames.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(brace) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return if path.is_empty() { Vec::new() } else { vec![path.trim_end_matches("::self").to_owned()] };
    };
    let prefix = &tree[..brace];
    let inner = tree[brace + 1..].rsplit_once('}').map_or("", |(inner, _)| inner);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in inner.chars() {
        if character == ',' && depth == 0 {
            parts.push(String::new());
            continue;
        }
        depth += i32::from(character == '{') - i32::from(character == '}');
        parts.last_mut().expect("it begins with one").push(character);
    }
    parts
        .iter()
        .flat_map(|part| leaves(&format!("{prefix}{}", part.trim())))
        .filter(|path| !path.ends_with("::"))
        .collect()
}

/// Paths in expressions and types: `crate::error::Error`, `super::fence::holds`.
fn inline_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let code = &without_use_trees(code);
    for begin in ["crate::", "super::"] {
        for (at, _) in code.match_indices(begin) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|before| {
                before.is_alphanumeric() || before == '_' || before == ':' || before == '$'
            }) {
                continue;
            }
            let path: String = code[at..]
                .chars()
                .take_while(|character| character.is_alphanumeric() || matches!(character, '_' | ':'))
                .collect();
            paths.push(path.trim_end_matches(':').to_owned());
        }
    }
    paths
}

/// The path from the root of the crate; `None` for one into another crate.
fn absolute(from: &str, path: &str) -> Option<String> {
    let mut base: Vec<&str> = from.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    match *parts.peek()? {
        "crate" => {
            parts.next();
            base.clear();
        }
        "super" => {
            while parts.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        "self" => {
            parts.next();
        }
        _ => {
            // A child module, as parents name their children; or another crate.
            base.extend(parts);
            return Some(base.join("::"));
        }
    }
    base.extend(parts);
    Some(base.join("::"))
}
