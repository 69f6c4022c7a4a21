//! Workflows, their versions and graphs.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::definition::{Graph as Drawing, Layout};
use workflow_engine::records::DefinitionRecord;

use super::Route;
use crate::app::App;
use crate::page::PageView;
use crate::payload;
use crate::problem::Problem;
use crate::request::PathParams;
use crate::view::{WorkflowDetail, WorkflowView, group};

pub(super) fn routes() -> Vec<Route> {
    let text = |media| vec![(media, None)];
    vec![
        Route::get("/workflows", "listWorkflows", list)
            .summary("Lists the workflows that processes have registered in the store, with their versions.")
            .json::<PageView<WorkflowView>>(200, "The workflows by id."),
        Route::get("/workflows/{workflow_id}", "showWorkflow", show)
            .summary("Returns a workflow with its versions and its newest definition.")
            .json::<WorkflowDetail>(200, "The workflow."),
        Route::get("/workflows/{workflow_id}/graph.json", "graph", graph)
            .summary("Returns the graph of the newest definition: its stages and edges.")
            .json::<Graph>(200, "The graph."),
        Route::get("/workflows/{workflow_id}/graph.mmd", "graphAsMermaid", mermaid)
            .summary("Returns the graph of the newest definition as a Mermaid flowchart.")
            .answer(200, "The flowchart.", text("text/plain")),
        Route::get("/workflows/{workflow_id}/graph.dot", "graphAsDot", dot)
            .summary("Returns the graph of the newest definition in the DOT language of Graphviz.")
            .answer(200, "The graph.", text("text/vnd.graphviz")),
        Route::get("/workflows/{workflow_id}/graph.svg", "graphAsSvg", svg)
            .summary("Returns the graph of the newest definition as a picture.")
            .answer(200, "The picture.", text("image/svg+xml")),
        Route::get("/definitions/{fingerprint}", "showDefinition", definition)
            .summary("Returns a definition: its stages, graph, JSON Schemas and defaults.")
            .header("If-None-Match")
            .answer(200, "The definition.", text("application/json")),
        Route::get("/definitions/{fingerprint}/layout", "layout", layout)
            .summary(
                "Returns where to draw the stages and edges of a definition: columns, rows and junctions.",
            )
            .header("If-None-Match")
            .json::<Layout>(200, "The layout."),
    ]
}

async fn list(State(app): State<App>) -> Result<Json<PageView<WorkflowView>>, Problem> {
    Ok(Json(PageView::whole(group(app.engine.versions().await?))))
}

async fn show(State(app): State<App>, params: PathParams) -> Result<Json<WorkflowDetail>, Problem> {
    let workflow_id = params.get("workflow_id");
    let mut versions = app.engine.versions().await?;
    versions.retain(|version| version.definition.workflow_id == workflow_id);
    let newest = newest(versions.iter().map(|version| &version.definition)).ok_or_else(unknown)?;
    let definition = newest.description.clone();
    let workflow = group(versions).pop().ok_or_else(unknown)?;
    Ok(Json(WorkflowDetail { id: workflow.id, versions: workflow.versions, definition }))
}

async fn definition(
    State(app): State<App>,
    params: PathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = stored(&app, params.get("fingerprint")).await?;
    Ok(payload::tagged(&headers, found.description.as_str().to_owned(), "application/json"))
}

async fn layout(State(app): State<App>, params: PathParams, headers: HeaderMap) -> Result<Response, Problem> {
    let found = stored(&app, params.get("fingerprint")).await?;
    let layout = Layout::of_description(&found.description).ok_or_else(|| {
        tracing::error!(target: "workflow_engine::server", fingerprint = found.fingerprint, "a stored definition cannot be laid out");
        Problem::internal()
    })?;
    let text = serde_json::to_string(&layout).unwrap_or_default();
    Ok(payload::tagged(&headers, text, "application/json"))
}

async fn stored(app: &App, fingerprint: &str) -> Result<DefinitionRecord, Problem> {
    let found = app.engine.definition(fingerprint).await?;
    found.ok_or_else(|| Problem::not_found("no process has registered this definition"))
}

/// A graph.
#[derive(Serialize, JsonSchema)]
struct Graph {
    /// The workflow's id.
    workflow_id: String,
    /// The version of the definition.
    version: u32,
    /// The fingerprint of the definition.
    fingerprint: String,
    /// The stages in reading order.
    stages: Vec<Node>,
    /// The edges.
    edges: Vec<Edge>,
}

/// A stage of a graph.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Node {
    /// The stage's id.
    id: String,
    /// The name, for people.
    name: String,
    /// The 1-based position in reading order.
    number: u32,
    /// The 1-based level: the length of the longest path to the stage.
    execution_group: u32,
}

/// An edge of a graph.
#[derive(Serialize, JsonSchema)]
struct Edge {
    /// The stage where it begins.
    from: String,
    /// The stage where it ends.
    to: String,
    /// Whether only a requirement causes it: the stage reads the output of one that is not its direct predecessor.
    is_requirement: bool,
}

/// The part of a definition that makes the graph.
#[derive(Deserialize)]
struct Described {
    stages: Vec<DescribedStage>,
}

#[derive(Deserialize)]
struct DescribedStage {
    #[serde(flatten)]
    node: Node,
    predecessors: Vec<String>,
    reads: Vec<String>,
}

async fn graph(State(app): State<App>, params: PathParams) -> Result<Json<Graph>, Problem> {
    let found = newest_of(&app, &params).await?;
    let described: Described = found.description.decode().map_err(|_| unreadable())?;
    let edges = described.stages.iter().flat_map(|stage| {
        let edge = |from: &String, is_requirement| Edge {
            from: from.clone(),
            to: stage.node.id.clone(),
            is_requirement,
        };
        let required = stage.reads.iter().filter(|from| !stage.predecessors.contains(from));
        let direct = stage.predecessors.iter().map(move |from| edge(from, false));
        let required: Vec<Edge> = required.map(|from| edge(from, true)).collect();
        direct.chain(required).collect::<Vec<_>>()
    });
    Ok(Json(Graph {
        workflow_id: found.workflow_id.clone(),
        version: found.version,
        fingerprint: found.fingerprint.clone(),
        edges: edges.collect(),
        stages: described.stages.into_iter().map(|stage| stage.node).collect(),
    }))
}

/// A stored definition that cannot be read.
fn unreadable() -> Problem {
    tracing::error!(target: "workflow_engine::server", "a stored definition cannot be read");
    Problem::internal()
}

async fn mermaid(State(app): State<App>, params: PathParams) -> Result<Response, Problem> {
    drawn(&app, &params, "text/plain; charset=utf-8", |graph| Some(graph.to_mermaid())).await
}

async fn dot(State(app): State<App>, params: PathParams) -> Result<Response, Problem> {
    drawn(&app, &params, "text/vnd.graphviz; charset=utf-8", |graph| Some(graph.to_dot())).await
}

async fn svg(State(app): State<App>, params: PathParams) -> Result<Response, Problem> {
    drawn(&app, &params, "image/svg+xml", Drawing::to_svg).await
}

async fn drawn(
    app: &App,
    params: &PathParams,
    kind: &'static str,
    draw: fn(&Drawing) -> Option<String>,
) -> Result<Response, Problem> {
    let found = newest_of(app, params).await?;
    let text = Drawing::of_description(&found.description).as_ref().and_then(draw).ok_or_else(unreadable)?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response())
}

/// Returns the newest definition of the workflow that the path names.
async fn newest_of(app: &App, params: &PathParams) -> Result<DefinitionRecord, Problem> {
    let definitions = app.engine.definitions().await?;
    let of_workflow = definitions.iter().filter(|known| known.workflow_id == params.get("workflow_id"));
    newest(of_workflow).cloned().ok_or_else(unknown)
}

fn newest<'a>(definitions: impl Iterator<Item = &'a DefinitionRecord>) -> Option<&'a DefinitionRecord> {
    definitions.max_by_key(|definition| (definition.version, definition.first_seen_at))
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "WORKFLOW_NOT_FOUND", "no process has registered this workflow")
}
