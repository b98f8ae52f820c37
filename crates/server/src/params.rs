//! What comes in: bodies, paths and queries, with problems instead of bare refusals.

use std::str::FromStr;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use docmill_core::money::Usd;
use docmill_core::template::Field;
use docmill_core::time::Timestamp;
use docmill_core::values::{ConditionError, conditions};
use docmill_engine::values::MOST_FIELDS;
use docmill_store::DocumentQuery;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;
use crate::strict;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let found: Result<axum::Json<Value>, JsonRejection> = axum::Json::from_request(request, state).await;
        let body = found.map_err(|error| {
            let mut problem = Problem::bad_request(error.body_text());
            problem.status = error.status().as_u16();
            problem
        })?;
        // Looked through first for names nobody knows, which would otherwise be left out without a word.
        strict::check_body::<T>(&body.0)?;
        // In two steps: with numbers of any length, serde's tagged enums read them from values only.
        serde_json::from_value(body.0).map(Self).map_err(|error| {
            let mut problem = Problem::bad_request(format!(
                "Failed to deserialize the JSON body into the target type: {error}"
            ));
            problem.status = StatusCode::UNPROCESSABLE_ENTITY.as_u16();
            problem
        })
    }
}

/// Parts of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found: Result<axum::extract::Path<T>, PathRejection> =
            axum::extract::Path::from_request_parts(parts, state).await;
        // A path that cannot be what it should names nothing.
        found
            .map(|path| Self(path.0))
            .map_err(|error| Problem::not_found(error.body_text()))
    }
}

/// The query.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found: Result<axum::extract::Query<T>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, state).await;
        found
            .map(|query| Self(query.0))
            .map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// Names separated by commas.
pub fn names<T: FromStr<Err: std::fmt::Display>>(list: Option<&str>) -> Result<Vec<T>, Problem> {
    list.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| {
            name.parse()
                .map_err(|error: T::Err| Problem::bad_request(error.to_string()))
        })
        .collect()
}

/// An amount of dollars as it came in JSON.
pub fn amount(dollars: f64) -> Result<Usd, Problem> {
    /// Beyond any bill, and far below what a sum can hold.
    const MOST: f64 = 1e9;
    if !(0.0..=MOST).contains(&dollars) {
        return Err(Problem::bad_request(format!(
            "{dollars} is no amount of dollars between 0 and a billion"
        )));
    }
    // Through its shortest decimal digits, which are what was typed: no float is rounded here.
    format!("{dollars}")
        .parse()
        .map_err(|_| Problem::bad_request(format!("{dollars} is no amount of dollars")))
}

/// Which documents. Lists of names are separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DocumentFilter {
    /// Only in these states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only of these kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only of these complexity classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Only with these failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Only names containing this text; one or two letters are looked for at the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only at least this cost in dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_at_least_usd: Option<f64>,
    /// Only at least this risk (0 to 1000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_at_least: Option<u16>,
    /// Only with these reviews: `assigned`, `approved`, `rejected`; `none` for those nobody
    /// approved or rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
    /// Only results whose values are so: `total > 1000 and seller.name contains shop and due_date is
    /// not empty`. There are =, !=, <, <=, >, >=, contains (~), begins (^), is empty, is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#where: Option<String>,
}

impl DocumentFilter {
    /// As the store takes it, with the fields of the results.
    pub fn query(&self, fields: &[Field]) -> Result<DocumentQuery, Problem> {
        let values = conditions(self.r#where.as_deref().unwrap_or_default(), fields);
        let values = values.map_err(|error| field_problem(&error, fields))?;
        if values.len() > MOST_FIELDS {
            return Err(Problem::bad_request(format!(
                "where has {} conditions; {MOST_FIELDS} are allowed",
                values.len()
            )));
        }
        let review = self.review.as_deref().unwrap_or_default();
        let unreviewed = review.split(',').any(|name| name.trim() == "none");
        let said: Vec<&str> = review.split(',').filter(|name| name.trim() != "none").collect();
        Ok(DocumentQuery {
            states: names(self.state.as_deref())?,
            kinds: names(self.kind.as_deref())?,
            classes: names(self.class.as_deref())?,
            codes: names(self.error_code.as_deref())?,
            search: self.search.clone().filter(|text| !text.trim().is_empty()),
            cost_at_least: self.cost_at_least_usd.map(amount).transpose()?,
            risk_at_least: self.risk_at_least,
            verdicts: names(Some(&said.join(",")))?,
            unreviewed,
            values,
            ..DocumentQuery::default()
        })
    }
}

/// What is wrong with a field or a condition, with the fields there are.
pub(crate) fn field_problem(error: &ConditionError, fields: &[Field]) -> Problem {
    let problem = Problem::bad_request(error.to_string());
    match error {
        ConditionError::UnknownField(name) => {
            let known: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
            problem.hint(match strict::nearest(name, &known) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", known.join(", ")),
            })
        }
        error => problem.hint(error.hint()),
    }
}

/// A moment, RFC 3339.
pub(crate) fn moment(text: &str) -> Result<Timestamp, Problem> {
    chrono::DateTime::parse_from_rfc3339(text.trim())
        .map(|at| Timestamp(at.timestamp_millis()))
        .map_err(|_| {
            Problem::bad_request(format!("{text:?} is no time")).hint("write it like 2026-11-23T12:00:00Z")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit_that_was_typed() {
        assert_eq!(amount(0.1).unwrap(), Usd::from_nanos(100_000_000));
        assert_eq!(amount(12.345_678_9).unwrap(), Usd::from_nanos(12_345_678_900));
        assert!(amount(-1.0).is_err());
        assert!(amount(f64::NAN).is_err());
        assert!(amount(1e10).is_err());
    }

    #[test]
    fn filters_are_names_separated_by_commas() {
        let filter = DocumentFilter {
            state: Some("failed, cancelled".to_owned()),
            review: Some("none".to_owned()),
            ..DocumentFilter::default()
        };
        let query = filter.query(&[]).unwrap();
        assert_eq!(query.states.len(), 2);
        assert!(query.unreviewed && query.verdicts.is_empty());
        let wrong = DocumentFilter {
            state: Some("broken".to_owned()),
            ..DocumentFilter::default()
        };
        assert_eq!(wrong.query(&[]).unwrap_err().status, 400);
        let schema = serde_json::json!({"type": "object", "properties": {"total": {"type": "number"}}});
        let fields = docmill_core::template::fields(&schema);
        let wrong = DocumentFilter {
            r#where: Some("totl > 3".to_owned()),
            ..DocumentFilter::default()
        };
        let problem = wrong.query(&fields).unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("did you mean total?"));
    }
}
