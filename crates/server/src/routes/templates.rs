//! Templates: built in, and people's own.

use axum::extract::State;
use axum::http::StatusCode;
use docmill_core::template::{Template, draft};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::params::{Json, Path};
use crate::problem::Problem;
use crate::views::{TemplateDetail, TemplateList, TemplateProblem, TemplateView, TemplateWarning};

/// Where people's own templates are kept.
const SHELF: &str = "templates";

/// Largest text of a template: far beyond any that a model could be sent.
const LARGEST: usize = 1024 * 1024;

/// A template from its text.
pub(crate) fn parse(name: &str, text: &str) -> Result<Template, Problem> {
    if text.len() > LARGEST {
        return Err(Problem::unprocessable(
            "template",
            "the template is larger than any model could take",
        ));
    }
    Template::from_text(name, text).map_err(|error| Problem::unprocessable("template", error.to_string()))
}

/// A template by its name: a person's own first, so that a built-in one can be improved on.
pub(crate) async fn find(app: &App, name: &str) -> Result<(Template, String, bool), Problem> {
    for row in app.store().kept(SHELF).await? {
        if row.name == name
            && let Some(text) = row.value.get("text").and_then(Value::as_str)
        {
            let mut template = parse(name, text)?;
            name.clone_into(&mut template.name);
            return Ok((template, text.to_owned(), false));
        }
    }
    let built_in = app.workshop.templates();
    if let Some((_, text)) = built_in.iter().find(|(known, _)| *known == name) {
        return Ok((parse(name, text)?, (*text).to_owned(), true));
    }
    Err(Problem::not_found(format!("there is no template {name:?}")))
}

fn detail(template: &Template, text: String, built_in: bool) -> TemplateDetail {
    TemplateDetail {
        template: TemplateView::of(template, built_in),
        text,
        schema: template.schema.clone(),
        warnings: template.check().iter().map(TemplateWarning::from).collect(),
    }
}

/// Templates, those that come with docmill first.
#[utoipa::path(get, path = "/templates", tag = "templates", responses((status = 200, body = TemplateList)))]
pub async fn list(State(app): State<App>) -> Result<axum::Json<TemplateList>, Problem> {
    let mut templates = Vec::new();
    for (name, text) in app.workshop.templates() {
        templates.push(TemplateView::of(&parse(name, text)?, true));
    }
    for row in app.store().kept(SHELF).await? {
        let text = row.value.get("text").and_then(Value::as_str).unwrap_or_default();
        // One that an older docmill took and this one does not is left out, not in the way.
        if let Ok(mut template) = parse(&row.name, text) {
            template.name = row.name;
            templates.retain(|known| known.name != template.name);
            templates.push(TemplateView::of(&template, false));
        }
    }
    Ok(axum::Json(TemplateList { templates }))
}

/// One template with its text.
#[utoipa::path(get, path = "/templates/{name}", tag = "templates",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = TemplateDetail), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn get(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<axum::Json<TemplateDetail>, Problem> {
    let (template, text, built_in) = find(&app, &name).await?;
    Ok(axum::Json(detail(&template, text, built_in)))
}

/// The text of a template.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TemplateText {
    /// TOML or JSON, or nothing but a JSON Schema.
    pub text: String,
}

/// Keeps a template under a name.
#[utoipa::path(put, path = "/templates/{name}", tag = "templates", request_body = TemplateText,
    params(("name" = String, Path, description = "Lower-case letters, digits, hyphens")),
    responses((status = 200, body = TemplateDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be used", body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(body): Json<TemplateText>,
) -> Result<axum::Json<TemplateDetail>, Problem> {
    let is_name = !name.is_empty()
        && name.len() <= 60
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !is_name {
        return Err(Problem::unprocessable(
            "name",
            "the name of a template has lower-case letters, digits and hyphens",
        ));
    }
    let mut template = parse(&name, &body.text)?;
    template.name.clone_from(&name);
    let value = json!({ "text": body.text });
    app.store().keep(SHELF, &name, Some(value), app.now()).await?;
    Ok(axum::Json(detail(&template, body.text, false)))
}

/// Takes a person's own template away; batches made with it keep theirs.
#[utoipa::path(delete, path = "/templates/{name}", tag = "templates",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "Gone"), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It comes with docmill", body = Problem, content_type = "application/problem+json")))]
pub async fn remove(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let (_, _, built_in) = find(&app, &name).await?;
    if built_in {
        return Err(Problem::conflict(format!(
            "the template {name} comes with docmill"
        )));
    }
    app.store().keep(SHELF, &name, None, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether a text can be used as a template, and what is wrong with it.
#[utoipa::path(post, path = "/templates/check", tag = "templates", request_body = TemplateText,
    responses((status = 200, body = TemplateProblem), (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn check(Json(body): Json<TemplateText>) -> axum::Json<TemplateProblem> {
    axum::Json(match parse("template", &body.text) {
        Ok(template) => TemplateProblem {
            error: None,
            template: Some(detail(&template, body.text, false)),
        },
        Err(problem) => TemplateProblem {
            error: Some(problem.detail),
            template: None,
        },
    })
}

/// A document to draft a template from.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Sample {
    /// A folder below an allowed one, a bucket, or `upload:ID`: its first document is read.
    pub source: String,
}

/// A template to begin from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Draft {
    /// Its text, to be edited.
    pub text: String,
    /// The document it was drafted from.
    pub document: String,
}

/// Drafts a template from a document: the names that stand in front of values become its fields.
/// No model is called.
#[utoipa::path(post, path = "/templates/draft", tag = "templates", request_body = Sample,
    responses((status = 200, body = Draft), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn draft(State(app): State<App>, Json(sample): Json<Sample>) -> Result<axum::Json<Draft>, Problem> {
    let source = app.allowed_source(&sample.source)?;
    let (document, reading) = app.engine.first_reading(&[source]).await??;
    let text = draft::draft(&reading);
    Ok(axum::Json(Draft { text, document }))
}
