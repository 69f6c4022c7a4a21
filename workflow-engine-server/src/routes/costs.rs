//! What the calls of models have cost.

use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use workflow_engine::records::{CostKey, CostReport};

use super::Route;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Query;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/costs", "costs", costs)
            .summary("Returns what the calls of models have cost, by time, workflow, stage and model.")
            .query::<Costs>()
            .json::<CostReport>(200, "The costs."),
    ]
}

/// Which calls, and how they are grouped.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Costs {
    /// What the calls are grouped by: `by=day&by=model`, or `by=day,model`. Default: nothing.
    #[serde(default, deserialize_with = "keys")]
    by: Vec<CostKey>,
    /// The earliest instant of the calls; its full hour counts. Default: the first call.
    from: Option<DateTime<Utc>>,
    /// The instant before which the calls were made; its hour counts unless it is a full one. Default: now.
    until: Option<DateTime<Utc>>,
}

async fn costs(State(app): State<App>, Query(query): Query<Costs>) -> Result<Json<CostReport>, Problem> {
    let range = (
        query.from.map_or(Bound::Unbounded, Bound::Included),
        query.until.map_or(Bound::Unbounded, Bound::Excluded),
    );
    Ok(Json(app.engine.costs(range, query.by).await?))
}

/// Reads keys, of which a value may name several.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CostKey>, D::Error> {
    let values = Vec::<String>::deserialize(deserializer)?;
    let names = values.iter().flat_map(|value| value.split(','));
    names.map(|name| CostKey::deserialize(serde::de::value::StrDeserializer::new(name))).collect()
}
