//! Maps whose keys the engine makes itself: ids of runs, leases, fingerprints.
//!
//! Their hash is seeded, but faster than the one of the standard library, which withstands keys that an attacker chooses.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A map by an id.
pub(crate) type IdMap<K, V> = HashMap<K, V, RandomState>;

/// A set of ids.
pub(crate) type IdSet<K> = HashSet<K, RandomState>;
