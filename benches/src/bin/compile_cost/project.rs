//! Writes the generated crates and runs cargo on them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::sample::{Sample, children_cpu};
use crate::sources::{Shape, library};

/// A workspace of generated crates, with its own target folder.
pub struct Project {
    root: PathBuf,
    folder: PathBuf,
}

impl Project {
    /// Writes the crates for these shapes and numbers of stages, and checks their dependencies.
    pub fn create(shapes: &[Shape], stages: &[usize], limit: usize) -> io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_owned();
        let folder = root.join("target/compile-cost");
        let project = Self { root, folder };
        let mut members = Vec::new();
        for &shape in shapes {
            for stages in stages.iter().copied().chain((limit > 0).then_some(limit)) {
                for macros in [true, false] {
                    let name = package(shape, stages, macros);
                    project.write(&format!("{name}/Cargo.toml"), &manifest(&name, &project.root))?;
                    project.edit(shape, stages, macros, 0)?;
                    members.push(format!("{name:?}"));
                }
            }
        }
        let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", "));
        project.write("Cargo.toml", &workspace)?;
        // The versions that this machine already has.
        fs::copy(project.root.join("Cargo.lock"), project.folder.join("Cargo.lock"))?;
        eprintln!("checking the dependencies");
        project.cargo(&["check", "--package", &package(shapes[0], stages[0], true)])?;
        Ok(project)
    }

    /// Writes a crate's source file.
    pub fn edit(&self, shape: Shape, stages: usize, macros: bool, edit: usize) -> io::Result<()> {
        let path = format!("{}/src/lib.rs", package(shape, stages, macros));
        self.write(&path, &library(shape, stages, macros, edit))
    }

    /// Times `cargo check` of a crate.
    pub fn check(&self, shape: Shape, stages: usize, macros: bool) -> io::Result<Sample> {
        self.cargo(&["check", "--package", &package(shape, stages, macros)])
    }

    /// Removes all build results of a crate, but not those of its dependencies.
    pub fn clean(&self, shape: Shape, stages: usize, macros: bool) -> io::Result<()> {
        self.cargo(&["clean", "--package", &package(shape, stages, macros)]).map(drop)
    }

    /// Times the cold build of the macro crate with its dependencies.
    pub fn build_macros(&self) -> io::Result<Sample> {
        let target = self.folder.join("macros-target");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        run(cargo(&self.root)
            .args(["build", "--package", "durable-stages-macros"])
            .env("CARGO_TARGET_DIR", &target))
    }

    fn cargo(&self, arguments: &[&str]) -> io::Result<Sample> {
        run(cargo(&self.folder).args(arguments).env("CARGO_TARGET_DIR", self.folder.join("target")))
    }

    /// Writes a file and the folders above it.
    fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    }
}

fn package(shape: Shape, stages: usize, macros: bool) -> String {
    format!("{}-{stages}{}", shape.name(), if macros { "" } else { "-plain" })
}

fn manifest(name: &str, root: &Path) -> String {
    // A JSON string is a TOML string too.
    let engine = serde_json::Value::from(root.join("workflow-engine").to_string_lossy());
    format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\ndurable-stages = {{ path = {engine} }}\n"
    )
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).stdin(Stdio::null()).arg("--offline").arg("--quiet");
    command
}

fn run(command: &mut Command) -> io::Result<Sample> {
    let cpu = children_cpu();
    let began = Instant::now();
    let output = command.output()?;
    let wall = began.elapsed();
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?}\n{}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(Sample { wall, cpu: children_cpu().checked_sub(cpu).unwrap_or(Duration::ZERO) })
}
