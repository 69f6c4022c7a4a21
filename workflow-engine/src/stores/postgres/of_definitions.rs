//! Reading what is of some definitions, in an order of its own, past whatever else there is.
//!
//! The indexes of what waits begin with the definition, so a queue full of other workers' work costs nothing. Each
//! definition's range is read as far as the limit asks, and what comes out of them is sorted.

use std::collections::BTreeSet;

use super::text::stored;

/// Definitions as one argument, each once: of one that stands there twice, everything would be found twice.
pub(super) fn distinct(definitions: &[String]) -> Vec<String> {
    let distinct: BTreeSet<&String> = definitions.iter().collect();
    distinct.into_iter().map(|definition| stored(definition).into_owned()).collect()
}
