//! The two workflows as the floor needs them: the values for their rows.

/// A stage of a workflow.
pub struct Stage {
    pub id: &'static str,
    pub name: &'static str,
    /// The level, from 1.
    pub group: i64,
    /// The number of predecessors.
    pub after: i64,
    /// The successors.
    pub next: &'static [usize],
}

/// A workflow.
#[derive(Clone, Copy)]
pub struct Shape {
    pub id: &'static str,
    pub name: &'static str,
    pub config: &'static str,
    pub stages: &'static [Stage],
}

const fn stage(
    id: &'static str,
    name: &'static str,
    group: i64,
    after: i64,
    next: &'static [usize],
) -> Stage {
    Stage { id, name, group, after, next }
}

/// A fingerprint of the usual length.
pub const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

impl Shape {
    pub const DIAMOND: Self = Self {
        id: "diamond",
        name: "Diamond",
        config: r#"{"first":{},"last":{},"left":{},"right":{}}"#,
        stages: &[
            stage("first", "First", 1, 0, &[1, 2]),
            stage("left", "Left", 2, 1, &[3]),
            stage("right", "Right", 2, 1, &[3]),
            stage("last", "Last", 3, 2, &[]),
        ],
    };

    pub const CHAIN: Self = Self {
        id: "chain",
        name: "Chain",
        config: r#"{"first":{},"second":{},"third":{},"fourth":{},"fifth":{},"sixth":{},"seventh":{},"eighth":{},"ninth":{},"tenth":{}}"#,
        stages: &[
            stage("first", "First", 1, 0, &[1]),
            stage("second", "Second", 2, 1, &[2]),
            stage("third", "Third", 3, 1, &[3]),
            stage("fourth", "Fourth", 4, 1, &[4]),
            stage("fifth", "Fifth", 5, 1, &[5]),
            stage("sixth", "Sixth", 6, 1, &[6]),
            stage("seventh", "Seventh", 7, 1, &[7]),
            stage("eighth", "Eighth", 8, 1, &[8]),
            stage("ninth", "Ninth", 9, 1, &[9]),
            stage("tenth", "Tenth", 10, 1, &[]),
        ],
    };
}
