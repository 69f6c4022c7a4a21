//! Reading what is of some definitions, in an order of its own, past whatever else there is.
//!
//! The indexes of what waits begin with the definition, so a queue full of other workers' work costs nothing. What is
//! merely read is read for each definition as far as the limit asks, and sorted. A claim cannot know how far that is,
//! for it passes over what others have locked; there the definitions are merged: PostgreSQL walks one index range for
//! each arm of an ordered `UNION ALL`, and locks row by row what comes out of it, until the limit is reached. So that
//! statement has a fixed number of arms, and a worker with more definitions has another one, which reads more than it
//! locks.

use std::collections::BTreeSet;

use super::text::stored;

/// The arms of a statement: definitions that it merges.
pub(super) const ARMS: usize = 8;

/// One arm for each of the first elements of an array; `$arm` is a macro that makes one of the element's number. Each
/// arm is in the order of its index, and has no other.
macro_rules! of_definitions {
    ($arm:ident) => {
        concat!(
            "(",
            $arm!("1"),
            ") UNION ALL (",
            $arm!("2"),
            ") UNION ALL (",
            $arm!("3"),
            ") UNION ALL (",
            $arm!("4"),
            ") UNION ALL (",
            $arm!("5"),
            ") UNION ALL (",
            $arm!("6"),
            ") UNION ALL (",
            $arm!("7"),
            ") UNION ALL (",
            $arm!("8"),
            ")"
        )
    };
}

pub(super) use of_definitions;

/// Definitions as one argument, each once: of one that stands there twice, everything would be found twice.
pub(super) fn distinct(definitions: &[String]) -> Vec<String> {
    let distinct: BTreeSet<&String> = definitions.iter().collect();
    distinct.into_iter().map(|definition| stored(definition).into_owned()).collect()
}
