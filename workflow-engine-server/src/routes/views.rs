//! The filters that the program has named for everyone.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::Route;
use crate::app::App;
use crate::page::PageView;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/views", "listViews", list)
            .summary("Lists the named filters of the dashboard that the server has.")
            .json::<PageView<SharedView>>(200, "The views, as the program has added them."),
    ]
}

/// A named filter.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct SharedView {
    /// The name, for people.
    pub(crate) name: String,
    /// The filter line of the page with all runs: `status:failed tag:customer=acme`.
    pub(crate) query: String,
}

async fn list(State(app): State<App>) -> Json<PageView<SharedView>> {
    Json(PageView::whole(app.settings.views.clone()))
}
