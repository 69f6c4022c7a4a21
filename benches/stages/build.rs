//! Generates workflows of 10, 100 and 1,000 stages: groups of ten parallel stages, each followed by a stage that takes ten
//! values.

#[path = "../src/bin/compile_cost/sources.rs"]
#[allow(dead_code)]
mod sources;

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../src/bin/compile_cost/sources.rs");
    let folder = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    for stages in [10, 100, 1_000] {
        let text = sources::library(sources::Shape::Groups, stages, true, 0);
        // The text is included in the middle of a module.
        let text = text.replacen("//! Generated.", "", 1);
        std::fs::write(Path::new(&folder).join(format!("stages_{stages}.rs")), text).expect("the output folder is writable");
    }
}
