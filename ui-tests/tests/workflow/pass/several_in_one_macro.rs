//! Several workflows, that share stages, with options and documentation.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn a(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn b(n: u32) -> StageResult<u32> {
    Ok(n)
}

workflow! {
    /// The first.
    ///
    /// With a paragraph.
    #[workflow(id = "one", name = "Number One", version = 7)]
    pub first = a >> b;

    pub(crate) second = b >> a;
    third = a;
}

pub fn main() {
    let definition = first::definition();
    assert_eq!((definition.id.as_str(), definition.name.as_str(), definition.version), ("one", "Number One", 7));
    assert_eq!(definition.description, "The first.\n\nWith a paragraph.");
    assert_eq!(second::definition().stages[0].id, "b");
    assert_eq!(third::definition().name, "Third");
}
