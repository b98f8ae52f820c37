//! The dashboard: built by `web/`, kept in the program. In a development build the
//! files are read from disk, so that the page can be rebuilt without the program.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::access::names;
use crate::app::App;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Dist;

/// What is shown when the program was built without the dashboard.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>docmill</title>\
    <h1>The dashboard is not part of this build</h1>\
    <p>Build it with <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, then build docmill again. \
    <p>The API is there all the same: <a href=\"api/v1/openapi.json\">api/v1/openapi.json</a>.";

/// Any file of the dashboard; every other path is a page of it.
pub(crate) async fn serve(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return crate::problem::Problem::not_found("there is nothing here").into_response();
    }
    if let Some(response) = file(path, &headers) {
        return response;
    }
    // A name with an extension is a file that is not there, not a page.
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) && path.starts_with("assets/") {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    }
    index(&app, &headers)
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    if path.is_empty() || path == "index.html" || path.ends_with(".gz") {
        return None;
    }
    let plain = Dist::get(path)?;
    let takes_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let packed = takes_gzip.then(|| Dist::get(&format!("{path}.gz"))).flatten();
    let is_packed = packed.is_some();
    let mut response = bytes(packed.unwrap_or(plain)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Names of assets hold a hash of their content: they never change.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Some(response)
}

/// The page, told where it is: behind a proxy that may be below another path.
fn index(app: &App, headers: &HeaderMap) -> Response {
    let Some(file) = Dist::get("index.html") else {
        return axum::response::Html(NOT_BUILT).into_response();
    };
    let prefix = headers
        .get("x-forwarded-prefix")
        .and_then(|prefix| prefix.to_str().ok())
        .filter(|prefix| names::is_path(prefix))
        .unwrap_or(&app.config.base_path)
        .trim_end_matches('/');
    let page = String::from_utf8_lossy(&file.data);
    let page = page.replace("<base href=\"/\"", &format!("<base href=\"{prefix}/\""));
    let mut response = axum::response::Html(page).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn bytes(file: EmbeddedFile) -> Body {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
