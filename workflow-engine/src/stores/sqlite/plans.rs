//! No statement of the hot path reads a whole table.
