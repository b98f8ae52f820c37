//! One file per resource.

mod activity;
mod alerts;
pub mod audit;
pub(crate) mod batches;
mod documents;
mod forget;
mod jobs;
mod machine;
mod models;
pub(crate) mod money;
mod oidc;
mod reviews;
mod session;
pub(crate) mod settings;
mod sources;
mod steer;
mod templates;
mod uploads;

pub(crate) mod health;
pub(crate) mod metrics;

use axum::routing::any;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::events;
use crate::problem::Problem;

/// Everything below `/api/v1`.
pub(crate) fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(batches::list, batches::create))
        .routes(routes!(batches::get, batches::change))
        .routes(routes!(batches::failures))
        .routes(routes!(batches::log))
        .routes(routes!(batches::compare))
        .routes(routes!(batches::totals))
        .routes(routes!(events::batch_events))
        .routes(routes!(events::all_events))
        .routes(routes!(steer::start))
        .routes(routes!(steer::pause))
        .routes(routes!(steer::resume))
        .routes(routes!(steer::cancel))
        .routes(routes!(steer::retry))
        .routes(routes!(steer::budget))
        .routes(routes!(steer::give_passwords))
        .routes(routes!(money::ledger))
        .routes(routes!(money::reconcile))
        .routes(routes!(forget::forget))
        .routes(routes!(documents::list))
        .routes(routes!(documents::get))
        .routes(routes!(documents::around))
        .routes(routes!(documents::reading))
        .routes(routes!(documents::picture))
        .routes(routes!(documents::prompt))
        .routes(routes!(documents::content))
        .routes(routes!(reviews::review))
        .routes(routes!(reviews::accuracy))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::of_batch, jobs::create))
        .routes(routes!(jobs::count))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::file))
        .routes(routes!(activity::activity))
        .routes(routes!(sources::preview))
        .routes(routes!(sources::folders))
        .routes(routes!(uploads::begin))
        .routes(routes!(uploads::state))
        .routes(routes!(uploads::put))
        .routes(routes!(templates::list))
        .routes(routes!(templates::get, templates::put, templates::remove))
        .routes(routes!(templates::check))
        .routes(routes!(templates::draft))
        .routes(routes!(models::list))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::put, alerts::remove))
        .routes(routes!(alerts::test))
        .routes(routes!(alerts::deliveries))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(settings::workers))
        .routes(routes!(machine::machine))
        .routes(routes!(settings::keys, settings::add_key))
        .routes(routes!(settings::remove_key))
        .routes(routes!(session::get, session::sign_in, session::sign_out))
        .routes(routes!(session::sign_out_everywhere))
        .routes(routes!(oidc::start))
        .routes(routes!(oidc::callback))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::export))
        .fallback(any(async || {
            Problem::not_found("there is nothing here").hint("openapi.json lists everything there is")
        }))
}
