//! Models: which there are, what they cost, whether they can be called from here.

use axum::extract::State;

use crate::app::App;
use crate::views::ModelList;

/// Models that can be named, those that can be called from here first. Keys are never told.
#[utoipa::path(get, path = "/models", tag = "models", responses((status = 200, body = ModelList)))]
pub async fn list(State(app): State<App>) -> axum::Json<ModelList> {
    axum::Json(ModelList {
        models: app.workshop.models(),
    })
}
