//! The drawings, schemas and the fingerprint of a compiled workflow.

use serde_json::json;
use workflow_engine::prelude::*;

mod base {
    use workflow_engine::prelude::*;

    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct Tree {
        pub name: String,
        pub children: Vec<Tree>,
    }

    /// Grows a tree.
    #[stage]
    pub async fn grow(name: String, depth: u32) -> StageResult<Tree> {
        let children = (0..depth).map(|_| Tree { name: String::new(), children: Vec::new() }).collect();
        Ok(Tree { name, children })
    }

    #[stage(name = "Prune \"it\"")]
    pub async fn prune(tree: Tree, #[config(default = 3)] keep: usize) -> StageResult<Tree> {
        Ok(Tree { children: tree.children.into_iter().take(keep).collect(), ..tree })
    }

    #[stage]
    pub async fn count(tree: Tree) -> StageResult<usize> {
        Ok(tree.children.len())
    }

    #[stage(require(grow))]
    pub async fn show(tree: Tree, count: usize, ctx: &StageContext<show>) -> StageResult<String> {
        Ok(format!("{}{count}{}", tree.name, ctx.require::<grow>().name))
    }

    workflow! { pub forest = grow >> [prune, count] >> show }
}

use base::{forest, prune};

#[test]
fn a_mermaid_drawing_has_every_stage_and_edge() {
    assert_eq!(
        forest::definition().to_mermaid(),
        "flowchart TD
    s1[\"Grow\"]
    s2[\"Prune #quot;it#quot;\"]
    s3[\"Count\"]
    s4[\"Show\"]
    s1 --> s2
    s1 --> s3
    s2 --> s4
    s3 --> s4
    s1 -.-> s4
"
    );
}

#[test]
fn a_dot_drawing_has_every_stage_and_edge() {
    assert_eq!(
        forest::definition().to_dot(),
        r#"digraph "forest" {
    node [shape=box];
    "grow" [label="Grow"];
    "prune" [label="Prune \"it\""];
    "count" [label="Count"];
    "show" [label="Show"];
    "grow" -> "prune";
    "grow" -> "count";
    "prune" -> "show";
    "count" -> "show";
    "grow" -> "show" [style=dashed];
}
"#
    );
}

#[test]
fn schemas_describe_input_output_and_configuration() {
    let definition = forest::definition();
    let input = definition.input_schema();
    assert_eq!(input.get("title"), Some(&json!("GrowInput")));
    assert_eq!(input.get("required"), Some(&json!(["name", "depth"])));
    let config = definition.config_schema();
    let prune = &config.get("properties").expect("it is an object")["prune"];
    assert_eq!(prune["default"], json!({"keep": 3}));
    assert_eq!(definition.output_schema().get("type"), Some(&json!("string")));
    let stage = definition.stage(prune::DECLARATION.id).expect("it is in the workflow");
    assert_eq!(stage.config_schema().get("additionalProperties"), Some(&json!(false)));
    assert_eq!(stage.default_config(), Some(json!({"keep": 3})));
    assert!(
        stage.output_schema().get("$defs").is_some() || stage.output_schema().get("properties").is_some()
    );
}

/// A workflow like another one, but for one thing.
macro_rules! variant {
    ($module:ident: $workflow:literal $version:literal, $load:literal $stage_version:literal,
     {$($field:tt)*}, {$($config:tt)*}, $chain:tt) => {
        mod $module {
            use workflow_engine::prelude::*;

            #[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
            pub struct Order { $($field)* }

            #[stage(id = $load, version = $stage_version)]
            pub async fn load(order: Order, $($config)*) -> StageResult<Order> {
                Ok(order)
            }

            #[stage]
            pub async fn stock(order: Order) -> StageResult<Order> {
                Ok(order)
            }

            #[stage]
            pub async fn ship(order: Order) -> StageResult<Order> {
                Ok(order)
            }

            workflow! {
                #[workflow(id = $workflow, version = $version)]
                pub handle = load >> $chain
            }
        }
    };
}

variant!(same: "w" 1, "load" 1, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(documented: "w" 1, "load" 1,
    {/** The number. */ pub number: u32, pub name: String,}, {/** How deep. */ #[config(default = 1)] _depth: u32},
    [stock >> ship]);
variant!(reordered: "w" 1, "load" 1, {pub name: String, pub number: u32,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(default: "w" 1, "load" 1, {pub number: u32, pub name: String,}, {#[config(default = 9)] _depth: u32}, [stock >> ship]);
variant!(id: "v" 1, "load" 1, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(version: "w" 2, "load" 1, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(stage_id: "w" 1, "fetch" 1, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(stage_version: "w" 1, "load" 2, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(field: "w" 1, "load" 1, {pub number: u64, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock >> ship]);
variant!(config: "w" 1, "load" 1, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: i32}, [stock >> ship]);
variant!(edges: "w" 1, "load" 1, {pub number: u32, pub name: String,}, {#[config(default = 1)] _depth: u32}, [stock, ship]);

#[test]
fn a_fingerprint_changes_with_what_decides_and_with_nothing_else() {
    let base = same::handle::definition().fingerprint();
    assert_eq!(base.len(), 64);
    for (what, equal) in [
        ("documentation", documented::handle::definition()),
        ("the order of fields", reordered::handle::definition()),
        ("a default", default::handle::definition()),
    ] {
        assert_eq!(equal.fingerprint(), base, "{what} does not change the fingerprint");
    }
    for (what, other) in [
        ("the workflow's id", id::handle::definition()),
        ("the workflow's version", version::handle::definition()),
        ("a stage's id", stage_id::handle::definition()),
        ("a stage's version", stage_version::handle::definition()),
        ("the type of a field", field::handle::definition()),
        ("the type of a configuration", config::handle::definition()),
        ("an edge", edges::handle::definition()),
    ] {
        assert_ne!(other.fingerprint(), base, "{what} changes the fingerprint");
    }
}

#[test]
fn a_fingerprint_is_the_same_in_every_build() {
    // Not to be changed without a new algorithm version: runs in flight carry it.
    assert_eq!(
        forest::definition().fingerprint(),
        "b3f844f720a942c6e4c2b131d6f6ce283dd5bb8e09ed3a742ddfa0b3b19fb727"
    );
}

#[test]
fn a_workflow_named_like_a_type_has_its_id_in_kebab_case_and_its_input_by_name() {
    workflow! { HTTPForestReport = base::grow >> prune }
    let definition = HTTPForestReport::definition();
    assert_eq!(
        (definition.id.as_str(), definition.name.as_str()),
        ("http-forest-report", "HTTP Forest Report")
    );
    let base::GrowInput { name, depth } = HTTPForestReportInput { name: "oak".into(), depth: 1 };
    assert_eq!((name.as_str(), depth), ("oak", 1));
}
