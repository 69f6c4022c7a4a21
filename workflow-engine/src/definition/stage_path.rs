//! The identity of a stage.

use std::panic::Location;

/// The identity of a stage: equal for the same function, also if it is imported under another name.
///
/// Line and column are part of it, because two stages in two function bodies can have the same module and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StagePath {
    /// The path of the module, for example `app::stages`.
    pub module: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// The line of its `#[stage]`.
    pub line: u32,
    /// The column of its `#[stage]`.
    pub column: u32,
    hash: u64,
}

impl StagePath {
    /// The identity of the stage whose attribute calls this.
    ///
    /// The constant finds its location when it is evaluated. `line!()` would be a new token after each edit above it, and
    /// rustc would check all generated code again.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn here(module: &'static str, name: &'static str) -> Self {
        let place = Location::caller();
        Self::new(module, name, place.line(), place.column())
    }

    const fn new(module: &'static str, name: &'static str, line: u32, column: u32) -> Self {
        let mut hash = fnv1a(0xcbf2_9ce4_8422_2325, module.as_bytes());
        hash = fnv1a(hash, b"::");
        hash = fnv1a(hash, name.as_bytes());
        hash = fnv1a(hash, &line.to_le_bytes());
        hash = fnv1a(hash, &column.to_le_bytes());
        Self { module, name, line, column, hash }
    }

    /// Compares two identities in a constant. The hash is compared first: the stages of a large workflow are compared
    /// pairwise at compile time, and different stages then need no comparison of their texts.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.line == other.line
            && self.column == other.column
            && same_text(self.name, other.name)
            && same_text(self.module, other.module)
    }
}

/// FNV-1a ([the authors' page](http://www.isthe.com/chongo/tech/comp/fnv/)), which is short in a `const fn`.
const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Compares two texts in a constant.
pub(crate) const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
