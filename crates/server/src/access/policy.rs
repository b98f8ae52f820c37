//! What each route needs: one table. A route that is not in it is for admins only, and a test
//! says that it is missing.

use axum::http::Method;
use docmill_core::access::Action::{self, Look, Manage, Read, Review, Run};

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: signing in, and what load balancers ask.
    Nothing,
    /// To be somebody.
    Known,
    /// To do this to that.
    May(Action, On),
    /// One of these; the route itself looks at which.
    MayOneOf(&'static [Action], On),
}

/// What a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// The batch in its path.
    Batch,
    /// The batch of the job in its path.
    Job,
    /// The batches in its query, or all.
    Query,
    /// Nothing of any batch.
    Common,
    /// All batches, each shown only to who may see it.
    Filtered,
    /// All batches, or the server.
    Everything,
}

/// What is written down of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing: it only looks.
    Nothing,
    /// That somebody read a document.
    Reading,
    /// That somebody changed something, and what.
    Change,
}

/// A route's rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) need: Need,
    pub(crate) written: Written,
}

use Need::{Known, May, MayOneOf, Nothing};
use On::{Batch, Common, Everything, Filtered, Job, Query};

const GET: &str = "GET";
const PUT: &str = "PUT";
const POST: &str = "POST";
const PATCH: &str = "PATCH";
const DELETE: &str = "DELETE";

/// Every route below `/api/v1`.
#[rustfmt::skip]
const RULES: &[(&str, &str, Need)] = &[
    (GET, "/openapi.json", May(Look, Common)),
    (GET, "/session", Nothing),
    (POST, "/session", Nothing),
    (DELETE, "/session", Nothing),
    (DELETE, "/sessions", Known),
    (GET, "/session/oidc", Nothing),
    (GET, "/session/oidc/callback", Nothing),
    (GET, "/batches", May(Look, Filtered)),
    (POST, "/batches", May(Run, Everything)),
    (GET, "/batches/{batch}", May(Look, Batch)),
    (PATCH, "/batches/{batch}", May(Run, Batch)),
    (GET, "/batches/{batch}/failures", May(Look, Batch)),
    (GET, "/batches/{batch}/log", May(Look, Batch)),
    (GET, "/batches/{batch}/compare", May(Look, Batch)),
    (GET, "/batches/{batch}/events", May(Look, Batch)),
    (GET, "/batches/{batch}/accuracy", May(Look, Batch)),
    (POST, "/batches/{batch}/start", May(Run, Batch)),
    (POST, "/batches/{batch}/pause", May(Run, Batch)),
    (POST, "/batches/{batch}/resume", May(Run, Batch)),
    (POST, "/batches/{batch}/cancel", May(Run, Batch)),
    (POST, "/batches/{batch}/retry", May(Run, Batch)),
    (PUT, "/batches/{batch}/budget", May(Run, Batch)),
    (GET, "/batches/{batch}/ledger", May(Look, Batch)),
    (POST, "/batches/{batch}/reconcile", May(Run, Batch)),
    (POST, "/batches/{batch}/passwords", May(Run, Batch)),
    (POST, "/batches/{batch}/forget", May(Manage, Batch)),
    (GET, "/batches/{batch}/documents", May(Read, Batch)),
    (GET, "/batches/{batch}/documents/{document}", May(Read, Batch)),
    (GET, "/batches/{batch}/documents/{document}/around", May(Read, Batch)),
    (GET, "/batches/{batch}/documents/{document}/reading", May(Read, Batch)),
    (GET, "/batches/{batch}/documents/{document}/pages/{page}", May(Read, Batch)),
    (GET, "/batches/{batch}/documents/{document}/prompt", May(Read, Batch)),
    (GET, "/batches/{batch}/documents/{document}/content", May(Read, Batch)),
    (PUT, "/batches/{batch}/documents/{document}/review", May(Review, Batch)),
    (GET, "/batches/{batch}/jobs", May(Look, Batch)),
    (POST, "/batches/{batch}/jobs", MayOneOf(&[Review, Run], Batch)),
    (POST, "/batches/{batch}/jobs/count", MayOneOf(&[Review, Run], Batch)),
    (GET, "/jobs", May(Look, Everything)),
    (POST, "/jobs/{job}/cancel", MayOneOf(&[Review, Run], Job)),
    (GET, "/jobs/{job}/files/{file}", May(Read, Job)),
    (GET, "/events", May(Look, Everything)),
    (GET, "/totals", May(Look, Everything)),
    (GET, "/activity", May(Look, Query)),
    (POST, "/sources/preview", May(Run, Everything)),
    (GET, "/sources/folders", May(Run, Everything)),
    (POST, "/uploads", May(Run, Everything)),
    (GET, "/uploads/{upload}", May(Run, Everything)),
    (PUT, "/uploads/{upload}/files", May(Run, Everything)),
    (GET, "/templates", May(Look, Common)),
    (GET, "/templates/{name}", May(Look, Common)),
    (PUT, "/templates/{name}", May(Run, Everything)),
    (DELETE, "/templates/{name}", May(Run, Everything)),
    (POST, "/templates/check", May(Run, Common)),
    (POST, "/templates/draft", May(Run, Everything)),
    (GET, "/models", May(Look, Common)),
    (GET, "/alerts", May(Look, Everything)),
    (PUT, "/alerts/{name}", May(Manage, Everything)),
    (DELETE, "/alerts/{name}", May(Manage, Everything)),
    (POST, "/alerts/{name}/test", May(Manage, Everything)),
    (GET, "/deliveries", May(Look, Query)),
    (GET, "/settings", May(Look, Everything)),
    (PUT, "/settings", May(Manage, Everything)),
    (GET, "/workers", May(Look, Everything)),
    (GET, "/machine", May(Look, Everything)),
    (GET, "/keys", May(Manage, Everything)),
    (POST, "/keys", May(Manage, Everything)),
    (DELETE, "/keys/{name}", May(Manage, Everything)),
    (GET, "/audit", May(Manage, Everything)),
    (GET, "/audit/verify", May(Manage, Everything)),
    (GET, "/audit/export", May(Manage, Everything)),
];

/// What changes nothing although its method could, and is not written down.
const ONLY_ASKS: &[&str] = &[
    "/sources/preview",
    "/templates/check",
    "/templates/draft",
    "/batches/{batch}/jobs/count",
];

/// What shows the inside of a document.
const READS: &[&str] = &[
    "/batches/{batch}/documents/{document}",
    "/batches/{batch}/documents/{document}/reading",
    "/batches/{batch}/documents/{document}/pages/{page}",
    "/batches/{batch}/documents/{document}/prompt",
    "/batches/{batch}/documents/{document}/content",
    "/jobs/{job}/files/{file}",
    "/audit/export",
];

/// Below this stands the API.
const API: &str = "/api/v1";

/// The rule of a route: its template (`/api/v1/batches/{batch}`) where one matched, else the path.
pub(crate) fn rule(method: &Method, matched: Option<&str>, path: &str) -> Rule {
    let method = if *method == Method::HEAD {
        GET
    } else {
        method.as_str()
    };
    let Some(route) = matched.unwrap_or(path).strip_prefix(API) else {
        return outside(matched.unwrap_or(path));
    };
    let found = RULES
        .iter()
        .find(|(known, template, _)| *known == method && *template == route);
    let need = match found {
        Some((_, _, need)) => *need,
        // There is no such thing, which only somebody who is known is told.
        None if matched.is_none() => Known,
        None => May(Manage, Everything),
    };
    let written = if READS.contains(&route) && method == GET {
        Written::Reading
    } else if method == GET || ONLY_ASKS.contains(&route) {
        Written::Nothing
    } else {
        Written::Change
    };
    Rule { need, written }
}

/// What stands beside the API: the page itself and what load balancers ask are for everybody.
fn outside(path: &str) -> Rule {
    let need = if path == "/metrics" {
        May(Look, Everything)
    } else {
        Nothing
    };
    Rule {
        need,
        written: Written::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_a_rule_and_every_rule_a_route() {
        let document: serde_json::Value = serde_json::from_str(&crate::openapi::json()).unwrap();
        let mut routes = vec![(GET.to_owned(), "/openapi.json".to_owned())];
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let route = path.strip_prefix(API).unwrap().to_owned();
                routes.push((method.to_uppercase(), route));
            }
        }
        for (method, route) in &routes {
            assert!(
                RULES
                    .iter()
                    .any(|(known, template, _)| known == method && template == route),
                "{method} {route} is for admins only until RULES in access/policy.rs says who may use it"
            );
        }
        for (method, route, _) in RULES {
            let is_there = routes
                .iter()
                .any(|(known, path)| known == method && path == route);
            assert!(is_there, "{method} {route} is no route");
        }
        for route in ONLY_ASKS.iter().chain(READS) {
            assert!(RULES.iter().any(|(_, template, _)| template == route), "{route}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let need = |method, matched, path| rule(&method, matched, path).need;
        // There is no such route, and when there is one it is not open by accident.
        let removed = need(
            Method::DELETE,
            Some("/api/v1/batches/{batch}"),
            "/api/v1/batches/x",
        );
        assert_eq!(removed, May(Manage, Everything));
        assert_eq!(need(Method::GET, None, "/api/v1/nothing"), Known);
        assert_eq!(need(Method::GET, None, "/metrics"), May(Look, Everything));
        assert_eq!(need(Method::GET, None, "/batches"), Nothing);
        assert_eq!(
            need(Method::HEAD, Some("/api/v1/keys"), "/api/v1/keys"),
            May(Manage, Everything)
        );
    }
}
