//! The server: accepts, answers, books.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::authority::{lets_in, token};
use super::behaviour::{Behaviour, Misbehaviour};
use super::envelope::{Counts, error as error_in, error_type};
use super::ledger::{Entry, Ledger, Totals};
use super::limiter::{Limiter, Verdict};
use super::made::Made;
use super::question::{Dialect, Question};
use super::random::Random;
use super::reply::{Reply, error, put};

/// How the stand-in is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// 0: any free port.
    pub port: u16,
    /// File of the books; `None`: in memory.
    pub ledger: Option<PathBuf>,
    /// Pico-dollars per prompt token.
    pub input_price: u64,
    /// Pico-dollars per answer token.
    pub output_price: u64,
    /// The only key that is let in; `None`: every one, and none.
    pub api_key: Option<String>,
    /// Models in the list; calls for others are answered too.
    pub models: Vec<String>,
    /// Seed of latencies and misbehaviour. Answers depend on the prompt alone.
    pub seed: u64,
    /// How it behaves at first.
    pub behaviour: Behaviour,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            ledger: None,
            input_price: 150_000,
            output_price: 600_000,
            api_key: None,
            models: vec!["gpt-4o-mini".to_owned(), "stand-in".to_owned()],
            seed: 1,
            behaviour: Behaviour::default(),
        }
    }
}

/// A running stand-in; stops when dropped.
#[derive(Debug)]
pub struct Standin {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Standin {
    /// Starts on the runtime it is called on.
    ///
    /// # Errors
    /// When the port is taken or the books cannot be opened.
    pub async fn start(config: Config) -> io::Result<Self> {
        let listener = listen(config.port)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(config)?);
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client is given as the base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Changes how it behaves.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state.desk().behaviour = behaviour;
    }

    /// Plans misbehaviour for the next calls, one each.
    pub fn next(&self, kinds: impl IntoIterator<Item = Misbehaviour>) {
        self.state.desk().behaviour.next.extend(kinds);
    }

    /// What was billed.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.state.ledger().totals()
    }

    /// Waits until it ends, which it does not by itself.
    pub async fn run(mut self) {
        let _ = (&mut self.task).await;
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // A restart on the same port must not wait for old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    // A thousand callers arrive at once.
    socket.listen(4096)
}

/// What is decided for each call under one short lock.
#[derive(Debug)]
struct Desk {
    behaviour: Behaviour,
    random: Random,
    limiter: Limiter,
}

#[derive(Debug)]
struct State {
    config: Config,
    desk: Mutex<Desk>,
    ledger: Arc<Mutex<Ledger>>,
    schemas: Mutex<HashMap<String, Arc<Value>>>,
    /// Prefixes in the cache.
    cache: Mutex<HashSet<[u8; 32]>>,
    calls: AtomicU64,
}

impl State {
    fn new(config: Config) -> io::Result<Self> {
        let ledger = Ledger::open(config.ledger.as_deref())?;
        Ok(Self {
            desk: Mutex::new(Desk {
                behaviour: config.behaviour.clone(),
                random: Random::new(config.seed),
                limiter: Limiter::default(),
            }),
            ledger: Arc::new(Mutex::new(ledger)),
            schemas: Mutex::default(),
            cache: Mutex::default(),
            calls: AtomicU64::new(0),
            config,
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A schema, parsed once.
    fn schema(&self, text: &str) -> Arc<Value> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = schemas.get(text) {
            return Arc::clone(known);
        }
        let parsed = Arc::new(serde_json::from_str(text).unwrap_or(Value::Null));
        schemas.insert(text.to_owned(), Arc::clone(&parsed));
        parsed
    }

    fn cache(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is read from the cache costs a tenth, what is written to it a quarter more.
    fn cost(&self, counts: Counts) -> u64 {
        let fresh = u128::from(counts.input - counts.cached - counts.written);
        let price = u128::from(self.config.input_price);
        let picos = fresh * price
            + u128::from(counts.cached) * price / 10
            + u128::from(counts.written) * price * 5 / 4
            + u128::from(counts.output) * u128::from(self.config.output_price);
        u64::try_from(picos.div_ceil(1000)).unwrap_or(u64::MAX)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
                // Out of descriptors: let some close.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("reset on command")]
struct Reset;

async fn serve(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Box::pin(answer_request(Arc::clone(&state), request)));
    let mut connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let ended = poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    let stream = connection.into_parts().io.into_inner();
    if ended.is_err() {
        // With no lingering, closing sends a reset instead of an end.
        let _ = stream.set_zero_linger();
    }
}

async fn answer_request(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Reply>, Reset> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(Reset);
    };
    let body = body.to_bytes();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let path = head.uri.path();
    let key = state.config.api_key.as_deref();
    let is_let_in = key.is_none_or(|key| lets_in(key, &head, &body));
    if let (&Method::POST, Some(dialect)) = (&head.method, Dialect::of(path, head.uri.query())) {
        if !is_let_in {
            return Ok(refusal(&state, dialect, Misbehaviour::KeyRefused));
        }
        let call = header("idempotency-key").unwrap_or_default();
        return answer_call(&state, dialect, path, call, &body).await;
    }
    if head.method == Method::POST
        && let host = header("host").unwrap_or_default()
        && let Some((status, body)) = token(key.unwrap_or_default(), host, path, &body)
    {
        return Ok(Reply::json(status, &body));
    }
    match (&head.method, path) {
        (&Method::GET, "/v1/models" | "/openai/v1/models" | "/v1beta/models") if !is_let_in => {
            Ok(error(401, "invalid_api_key", "Incorrect API key provided"))
        }
        (&Method::GET, "/v1/models" | "/openai/v1/models") => {
            let data: Vec<Value> = state
                .config
                .models
                .iter()
                .map(|id| {
                    json!({"id": id, "object": "model", "type": "model", "display_name": id,
                    "created": 1_790_000_000, "created_at": "2026-01-01T00:00:00Z", "owned_by": "stand-in"})
                })
                .collect();
            Ok(Reply::json(
                200,
                &json!({"object": "list", "data": data, "has_more": false}),
            ))
        }
        (&Method::GET, "/v1beta/models") => {
            let models = state.config.models.iter();
            let models: Vec<Value> = models.map(|id| json!({"name": format!("models/{id}")})).collect();
            Ok(Reply::json(200, &json!({"models": models})))
        }
        (&Method::GET, "/ledger") => Ok(books(&state)),
        (&Method::GET, "/totals") => Ok(Reply::json(200, &json!(state.ledger().totals()))),
        (&Method::POST, "/control") => Ok(control(&state, &body)),
        _ => Ok(error(404, "not_found", "there is nothing here")),
    }
}

fn books(state: &State) -> Response<Reply> {
    let ledger = state.ledger();
    Reply::json(
        200,
        &json!({"totals": ledger.totals(), "by_prompt": ledger.by_prompt()}),
    )
}

/// Changes the fields of [`Behaviour`] that the body names.
fn control(state: &State, body: &[u8]) -> Response<Reply> {
    let mut desk = state.desk();
    let changed = serde_json::to_value(&desk.behaviour).and_then(|mut fields| {
        let changes: serde_json::Map<String, Value> = serde_json::from_slice(body)?;
        if let Some(fields) = fields.as_object_mut() {
            fields.extend(changes);
        }
        serde_json::from_value::<Behaviour>(fields)
    });
    match changed {
        Ok(behaviour) => {
            desk.behaviour = behaviour;
            Reply::json(200, &json!({"behaviour": desk.behaviour}))
        }
        Err(cause) => error(400, "bad_control", &cause.to_string()),
    }
}

/// Prefixes shorter than this are not cached.
const LEAST_CACHED: u64 = 1024;

async fn answer_call(
    state: &Arc<State>,
    dialect: Dialect,
    path: &str,
    call: &str,
    body: &[u8],
) -> Result<Response<Reply>, Reset> {
    let question = match Question::parse(dialect, path, body) {
        Ok(question) => question,
        Err(cause) => {
            state.ledger().refused(false);
            let message = format!("the body cannot be read: {cause}");
            let body = error_in(dialect, 400, "invalid_request_error", &message);
            return Ok(Reply::json(400, &body));
        }
    };
    let input = question.size.tokens();
    let (wrong, verdict, latency, extra) = decide(state, input.saturating_add(question.limit));
    if let Some(wrong) = wrong.filter(|wrong| is_refused(*wrong, &question, body)) {
        return if wrong == Misbehaviour::ResetBeforeBilling {
            Err(Reset)
        } else {
            tokio::time::sleep(latency).await;
            Ok(refusal(state, dialect, wrong))
        };
    }
    if let Some(verdict) = verdict.filter(|verdict| verdict.retry_after.is_some()) {
        return Ok(too_fast(state, dialect, &verdict));
    }
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let schema = question.schema.as_deref().map(|text| state.schema(text));
    let marked = question.marked.filter(|(_, tokens)| *tokens >= LEAST_CACHED);
    let cached = marked.map(|(prefix, _)| !state.cache().insert(*prefix.as_bytes()));
    let reads_rows = state.desk().behaviour.reads_rows.clone();
    let rows = reads_rows.as_ref().map(|reading| (reading, body));
    let made = Made::new(&question, schema.as_deref(), cached, extra, wrong, rows);
    let billed = state.ledger().bill(&Entry {
        call: call.to_owned(),
        prompt: made.prompt.clone(),
        input: made.counts.input,
        output: made.counts.output,
        cost: state.cost(made.counts),
    });
    if billed.is_err() {
        return Err(Reset);
    }
    deliver(state, &question, &made, wrong, verdict).await
}

/// Everything that needs the lock: misbehaviour, limits, latency, extra tokens.
fn decide(state: &State, tokens: u64) -> (Option<Misbehaviour>, Option<Verdict>, Duration, u64) {
    let mut desk = state.desk();
    let Desk {
        behaviour,
        random,
        limiter,
    } = &mut *desk;
    let wrong = behaviour.draw(random);
    let limited = behaviour.requests_per_minute.is_some() || behaviour.tokens_per_minute.is_some();
    let verdict = limited.then(|| limiter.admit(behaviour, tokens, Instant::now()));
    let latency = behaviour.latency.draw(random);
    let (low, high) = behaviour.extra_output_tokens;
    let extra = low + random.below(high.saturating_sub(low).saturating_add(1));
    let told = verdict.map(|verdict| {
        if behaviour.limit_headers {
            verdict
        } else {
            verdict.silent()
        }
    });
    (wrong, told, latency, extra)
}

/// Misbehaviour that ends the call before it is billed.
fn is_refused(wrong: Misbehaviour, question: &Question, body: &[u8]) -> bool {
    use Misbehaviour as M;
    match wrong {
        M::RateLimited
        | M::InsufficientQuota
        | M::DailyQuota
        | M::KeyRefused
        | M::UnknownModel
        | M::ContextLength
        | M::InternalErrorUnbilled
        | M::Overloaded503
        | M::Overloaded529
        | M::ResetBeforeBilling => true,
        M::ErrorInside200 | M::Loading503 => true,
        M::NoSchemaMode => question.schema.is_some(),
        M::NoTemperature => names(body, "temperature"),
        M::NoMaxTokens => names(body, "max_tokens"),
        _ => false,
    }
}

/// Whether the body has a field of this name.
fn names(body: &[u8], field: &str) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body.get(field).is_some())
}

fn refusal(state: &State, dialect: Dialect, wrong: Misbehaviour) -> Response<Reply> {
    use Misbehaviour as M;
    state.ledger().refused(wrong == M::RateLimited);
    let (status, code, message) = match wrong {
        M::RateLimited => (
            429,
            "rate_limit_exceeded",
            "Rate limit reached. Please try again in 1.5s.",
        ),
        M::InsufficientQuota => (
            429,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        M::DailyQuota => (
            429,
            "rate_limit_exceeded",
            "Rate limit reached on requests per day (RPD): Limit 200.",
        ),
        M::KeyRefused => (401, "invalid_api_key", "Incorrect API key provided"),
        M::UnknownModel => (404, "model_not_found", "The model does not exist"),
        M::ContextLength => (
            400,
            "context_length_exceeded",
            "This model's maximum context length is 8192 tokens.",
        ),
        M::NoSchemaMode => (
            400,
            "invalid_request_error",
            "response_format type json_schema is not supported",
        ),
        M::NoTemperature => (
            400,
            "unsupported_value",
            "Unsupported value: 'temperature' does not support 0 with this model.",
        ),
        M::NoMaxTokens => (
            400,
            "unsupported_parameter",
            "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
        ),
        M::ErrorInside200 => (200, "server_error", "Provider returned error"),
        M::Loading503 => (503, "unavailable_error", "Loading model"),
        M::Overloaded503 => (503, "server_overloaded", "The server is overloaded"),
        M::Overloaded529 => (529, "overloaded_error", "Overloaded"),
        _ => (500, "server_error", "Something went wrong"),
    };
    // A signature that is wrong is forbidden there, not unauthorized.
    let status = match (dialect, status) {
        (Dialect::Converse, 401) => 403,
        (Dialect::Converse, 529) => 503,
        _ => status,
    };
    let mut response = Reply::json(status, &error_in(dialect, status, code, message));
    if dialect == Dialect::Converse {
        put(&mut response, "x-amzn-errortype", error_type(status));
        return response;
    }
    if wrong == M::RateLimited && dialect == Dialect::Generate {
        let body = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
        ]}});
        return Reply::json(429, &body);
    }
    if wrong == M::RateLimited {
        put(&mut response, "retry-after-ms", "1500");
        put(&mut response, "retry-after", "2");
    }
    response
}

fn too_fast(state: &State, dialect: Dialect, verdict: &Verdict) -> Response<Reply> {
    state.ledger().refused(true);
    let mut body = error_in(dialect, 429, "rate_limit_exceeded", "Rate limit reached");
    if dialect == Dialect::Generate {
        // Google has no headers for it: the body says when to come back.
        let delay = format!(
            "{:.3}s",
            verdict.retry_after.unwrap_or_default().as_secs_f64() + 0.001
        );
        body["error"]["details"] = json!([
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
        ]);
        return Reply::json(429, &body);
    }
    let mut response = Reply::json(429, &body);
    if dialect == Dialect::Converse {
        put(&mut response, "x-amzn-errortype", error_type(429));
        return response;
    }
    tell(&mut response, dialect, verdict);
    let wait = verdict.retry_after.unwrap_or_default();
    put(
        &mut response,
        "retry-after-ms",
        &(wait.as_millis() + 1).to_string(),
    );
    put(&mut response, "retry-after", &(wait.as_secs() + 1).to_string());
    response
}

/// The rate headers, as OpenAI and Anthropic write them; Google and AWS write none.
fn tell(response: &mut Response<Reply>, dialect: Dialect, verdict: &Verdict) {
    for (kind, left) in [("requests", verdict.requests), ("tokens", verdict.tokens)] {
        let Some(left) = left else { continue };
        let reset = match dialect {
            Dialect::Generate | Dialect::Converse => return,
            Dialect::Messages => rfc_3339(std::time::SystemTime::now() + left.reset),
            Dialect::Chat | Dialect::Responses => format!("{}ms", left.reset.as_millis()),
        };
        let values = [
            ("limit", left.limit.to_string()),
            ("remaining", left.remaining.to_string()),
            ("reset", reset),
        ];
        for (part, value) in values {
            let name = match dialect {
                Dialect::Messages => format!("anthropic-ratelimit-{kind}-{part}"),
                _ => format!("x-ratelimit-{part}-{kind}"),
            };
            put(response, &name, &value);
        }
    }
}

/// A point in time, up to the second.
fn rfc_3339(when: std::time::SystemTime) -> String {
    let seconds = when
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (mut year, mut days) = (1970, seconds / 86_400);
    let length = |year: u64| if year.is_multiple_of(4) { 366 } else { 365 };
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let mut month = 0;
    let february = length(year) - 337;
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for days_of_month in months {
        if days < days_of_month {
            break;
        }
        days -= days_of_month;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{year}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        month + 1,
        days + 1
    )
}
/// How long a stalled answer takes.
const STALL: Duration = Duration::from_secs(20);

/// Sends a billed answer, or fails to.
async fn deliver(
    state: &Arc<State>,
    question: &Question,
    made: &Made,
    wrong: Option<Misbehaviour>,
    verdict: Option<Verdict>,
) -> Result<Response<Reply>, Reset> {
    use Misbehaviour as M;
    let id = state.calls.fetch_add(1, Ordering::Relaxed);
    match wrong {
        Some(M::ResetAfterBilling) => return Err(Reset),
        Some(M::Hang) => std::future::pending::<()>().await,
        Some(M::InternalError) => {
            let page = b"<html><head><title>502 Bad Gateway</title></head></html>".to_vec();
            return Ok(Reply::bytes(502, page));
        }
        Some(M::Stall) => tokio::time::sleep(STALL).await,
        Some(M::InvalidEnvelope) => return Ok(Reply::bytes(200, b"{\"choices\": 7}".to_vec())),
        _ => {}
    }
    let body = made.envelope(id, question, wrong);
    let length = body.len();
    let mut response = Reply::bytes(200, body);
    put(&mut response, "x-request-id", &format!("req-{id}"));
    put(&mut response, "request-id", &format!("req-{id}"));
    put(&mut response, "x-amzn-requestid", &format!("req-{id}"));
    if let Some(verdict) = verdict {
        tell(&mut response, question.dialect, &verdict);
    }
    match wrong {
        Some(M::TruncatedBody) => {
            put(
                &mut response,
                CONTENT_LENGTH.as_str(),
                &(length + 100).to_string(),
            );
            response.body_mut().known_length = false;
        }
        Some(M::SlowLoris) => response.body_mut().drip = Some(Box::pin(tokio::time::sleep(Duration::ZERO))),
        _ => response.body_mut().answered = Some(Arc::clone(&state.ledger)),
    }
    Ok(response)
}
