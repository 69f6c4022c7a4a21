//! The rules of structures in a configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::prelude::*;

use super::refusal;

/// A structure of the user's own, with the rules that schemars knows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Limits {
    #[schemars(range(min = 1, max = 10))]
    depth: u32,
    #[schemars(length(max = 3), inner(length(max = 2)))]
    hosts: Vec<String>,
    #[schemars(regex(pattern = "^[a-z]*$"))]
    name: Option<String>,
    /// Refers to the type itself.
    inner: Option<Box<Limits>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 1, hosts: Vec::new(), name: None, inner: None }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Tuning {
    #[schemars(range(max = 5))]
    effort: u8,
    by_name: BTreeMap<String, Limits>,
}

#[stage]
async fn nested(
    #[config(default = Limits::default())] limits: Limits,
    #[config] several: Option<Vec<Limits>>,
    #[config(flatten)] tuning: Tuning,
) -> StageResult<String> {
    Ok(format!("{limits:?} {several:?} {tuning:?}"))
}

workflow! { nesting = nested }

#[tokio::test]
async fn the_rules_of_nested_structures_hold_too() {
    let limits = |depth: u32| json!({"depth": depth, "hosts": []});
    for (config, reason) in [
        (json!({}), ""),
        (json!({"limits": limits(10), "several": [limits(1)], "effort": 5, "by_name": {"a": limits(2)}}), ""),
        (json!({"limits": limits(11)}), "`limits.depth` is 11, but must be at most 10"),
        (
            json!({"limits": {"depth": 1, "hosts": ["abc"]}}),
            "`limits.hosts[0]` has 3 characters, but must have at most 2 characters",
        ),
        (
            json!({"limits": {"depth": 1, "hosts": [], "name": "A"}}),
            "`limits.name` is \"A\", but must match `^[a-z]*$`",
        ),
        (
            json!({"limits": {"depth": 1, "hosts": [], "inner": limits(0)}}),
            "`limits.inner.depth` is 0, but must be at least 1",
        ),
        (json!({"several": [limits(1), limits(0)]}), "`several[1].depth` is 0, but must be at least 1"),
        (json!({"effort": 6}), "`effort` is 6, but must be at most 5"),
        (json!({"by_name": {"a": limits(0)}}), "`by_name.a.depth` is 0, but must be at least 1"),
    ] {
        assert_eq!(refusal::<nesting>("nested", config.clone()).await, reason, "{config}");
    }
}
