//! What is not known is refused, with the nearest name that is: a budget under a wrong name would
//! otherwise start a batch without one. What is known stands in the API's own description, so that
//! the two cannot differ.

use std::collections::HashMap;

use axum::http::{Method, StatusCode, Uri};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::{OpenApi, RefOr};

use crate::problem::Problem;

/// Where others send browsers to, with whatever they add.
const OPEN: &[&str] = &["/api/v1/session/oidc/callback"];

/// The query parameters that each operation knows.
#[derive(Debug, Default)]
pub(crate) struct Queries(HashMap<(Method, String), Vec<String>>);

impl Queries {
    /// Those of the API's description.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let mut known = HashMap::new();
        let closed = |path: &&String| !OPEN.contains(&path.as_str());
        for (path, item) in document.paths.paths.iter().filter(|(path, _)| closed(path)) {
            for (method, operation) in [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ] {
                if let Some(operation) = operation {
                    known.insert((method, path.clone()), names(operation));
                }
            }
        }
        Self(known)
    }

    /// Refuses a parameter that the operation does not know.
    ///
    /// # Errors
    /// Names it, and the nearest that is known.
    pub(crate) fn check(&self, method: &Method, route: &str, uri: &Uri) -> Result<(), Problem> {
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let Some(known) = self.0.get(&(method.clone(), route.to_owned())) else {
            return Ok(());
        };
        let query = uri.query().unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            let name = percent_decoded(name);
            if !known.contains(&name) {
                return Err(unknown(
                    "query parameter",
                    &name,
                    known.iter().map(String::as_str),
                ));
            }
        }
        Ok(())
    }
}

fn names(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .filter(|parameter| matches!(parameter.parameter_in, ParameterIn::Query))
        .map(|parameter| parameter.name.clone())
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        let ahead = rest.as_slice();
        match (byte, ahead.first().and_then(hex), ahead.get(1).and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest.nth(1);
            }
            (b'+', _, _) => decoded.push(b' '),
            (byte, _, _) => decoded.push(*byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Refuses a field that the body's description does not know, however deep.
///
/// # Errors
/// Names it, and the nearest that is known.
pub(crate) fn check_body<T: ToSchema>(body: &Value) -> Result<(), Problem> {
    let mut others = Vec::new();
    T::schemas(&mut others);
    let others: HashMap<String, RefOr<Schema>> = others.into_iter().collect();
    check_value(body, &T::schema(), &others)
}

fn check_value(
    value: &Value,
    schema: &RefOr<Schema>,
    others: &HashMap<String, RefOr<Schema>>,
) -> Result<(), Problem> {
    let schema = match schema {
        RefOr::T(schema) => schema,
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            return match others.get(name) {
                Some(schema) => check_value(value, schema, others),
                None => Ok(()),
            };
        }
    };
    match (schema, value) {
        (Schema::Object(object), Value::Object(fields)) => {
            // One without any is described as taking whatever comes.
            if object.properties.is_empty() {
                return Ok(());
            }
            for (name, value) in fields {
                match object.properties.get(name) {
                    Some(schema) => check_value(value, schema, others)?,
                    None => {
                        let known = object.properties.keys().map(String::as_str);
                        return Err(unknown("field", name, known));
                    }
                }
            }
            Ok(())
        }
        (Schema::Array(array), Value::Array(items)) => match &array.items {
            ArrayItems::RefOrSchema(schema) => items
                .iter()
                .try_for_each(|item| check_value(item, schema, others)),
            ArrayItems::False => Ok(()),
        },
        // What may be absent is described as one of two; the other of them is null.
        (Schema::OneOf(one), value) if !value.is_null() => one
            .items
            .iter()
            .filter(|item| matches!(item, RefOr::Ref(_)))
            .try_for_each(|item| check_value(value, item, others)),
        (Schema::AllOf(all), value) if all.items.len() == 1 => check_value(value, &all.items[0], others),
        _ => Ok(()),
    }
}

fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Problem {
    let known: Vec<&str> = known.collect();
    let shown: String = name.chars().take(100).collect();
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        "unknown_name",
        format!("there is no {what} {shown:?} here"),
    );
    match nearest(name, &known) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None if known.is_empty() => problem.hint(format!("there is no {what} at all")),
        None => problem.hint(format!("there are {}", known.join(", "))),
    }
}

/// The name that was probably meant: one that holds what was typed or is held by it, or one that is
/// few letters away.
pub(crate) fn nearest<'n>(typed: &str, known: &[&'n str]) -> Option<&'n str> {
    let typed: String = typed.to_lowercase().replace('-', "_").chars().take(64).collect();
    let cost = |known: &&'n str| {
        let holds =
            typed.len() >= 3 && known.len() >= 3 && (known.contains(&typed) || typed.contains(*known));
        let distance = distance(&typed, known);
        let is_near = holds || distance <= (known.chars().count() / 3).max(1);
        // Of those that hold it the one that says the least more.
        is_near.then_some((!holds, distance))
    };
    known
        .iter()
        .filter_map(|name| Some((cost(name)?, *name)))
        .min()
        .map(|(_, name)| name)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour to make one
/// word of the other (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for row in 0..a.len() {
        let mut current = vec![row + 1];
        for column in 0..b.len() {
            let above = &rows[row];
            let change = above[column] + usize::from(a[row] != b[column]);
            let mut least = change.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && a[row] == b[column - 1] && a[row - 1] == b[column] {
                least = least.min(rows[row - 1][column - 1] + 1);
            }
            current.push(least);
        }
        rows.push(current);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::routes::batches::NewBatch;

    #[test]
    fn a_wrong_name_is_refused_with_the_right_one() {
        let refused = |body: Value| check_body::<NewBatch>(&body).unwrap_err();
        let problem = refused(json!({ "sources": ["/x"], "model": "offline", "budget": 60 }));
        assert!(problem.detail.contains("\"budget\""), "{problem:?}");
        assert_eq!(problem.hint.as_deref(), Some("did you mean budget_usd?"));
        let problem = refused(json!({ "price": { "input": 1 } }));
        assert_eq!(
            problem.hint.as_deref(),
            Some("did you mean input_usd_per_million?"),
            "however deep"
        );
        let problem = refused(json!({ "zzzz": 1 }));
        assert!(problem.hint.unwrap().starts_with("there are name, sources"));
        check_body::<NewBatch>(&json!({ "sources": [], "model": "x", "price": null })).unwrap();
    }

    #[test]
    fn what_was_meant_is_found() {
        let known = ["budget_usd", "model", "max_output_tokens", "name"];
        for (typed, meant) in [
            ("budget", Some("budget_usd")),
            ("Budget-USD", Some("budget_usd")),
            ("modle", Some("model")),
            ("max_tokens", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, &known), meant, "{typed}");
        }
    }

    #[test]
    fn parameters_are_compared_as_they_are_meant() {
        let (_, document) = crate::openapi::api();
        let queries = Queries::of(&document);
        let check = |query: &str| {
            let uri: Uri = format!("/api/v1/batches/x/documents?{query}").parse().unwrap();
            queries.check(&Method::GET, "/api/v1/batches/{batch}/documents", &uri)
        };
        assert!(check("state=failed&limit=5&").is_ok());
        assert!(check("%73tate=failed").is_ok());
        let problem = check("states=failed").unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("did you mean state?"));
    }
}
