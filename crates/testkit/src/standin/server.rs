//! The server: accepts, answers, books.

use std::collections::HashMap;
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

use super::behaviour::{Behaviour, Misbehaviour};
use super::chat::Chat;
use super::ledger::{Entry, Ledger, Totals};
use super::limiter::{Limiter, Verdict};
use super::made::Made;
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

    fn cost(&self, input: u64, output: u64) -> u64 {
        let picos = u128::from(input) * u128::from(self.config.input_price)
            + u128::from(output) * u128::from(self.config.output_price);
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
    match (&head.method, head.uri.path()) {
        (&Method::POST, "/v1/chat/completions") => {
            if !let_in(&state, header("authorization")) {
                return Ok(refusal(&state, Misbehaviour::KeyRefused));
            }
            let call = header("idempotency-key").unwrap_or_default();
            chat(&state, call, &body).await
        }
        (&Method::GET, "/v1/models") if !let_in(&state, header("authorization")) => {
            Ok(error(401, "invalid_api_key", "Incorrect API key provided"))
        }
        (&Method::GET, "/v1/models") => {
            let data: Vec<Value> = state
                .config
                .models
                .iter()
                .map(|id| json!({"id": id, "object": "model"}))
                .collect();
            Ok(Reply::json(200, &json!({"object": "list", "data": data})))
        }
        (&Method::GET, "/ledger") => Ok(books(&state)),
        (&Method::POST, "/control") => Ok(control(&state, &body)),
        _ => Ok(error(404, "not_found", "there is nothing here")),
    }
}

fn let_in(state: &State, authorization: Option<&str>) -> bool {
    state
        .config
        .api_key
        .as_deref()
        .is_none_or(|key| authorization.and_then(|value| value.strip_prefix("Bearer ")) == Some(key))
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

async fn chat(state: &Arc<State>, call: &str, body: &[u8]) -> Result<Response<Reply>, Reset> {
    let parsed = Chat::parse(body).and_then(|chat| chat.size().map(|size| (chat, size)));
    let (chat, size) = match parsed {
        Ok(parsed) => parsed,
        Err(cause) => {
            state.ledger().refused(false);
            return Ok(error(
                400,
                "invalid_request_error",
                &format!("the body cannot be read: {cause}"),
            ));
        }
    };
    let input = size.tokens();
    let (wrong, verdict, latency, extra) = decide(state, input.saturating_add(chat.limit()));
    if let Some(wrong) = wrong.filter(|wrong| is_refused(*wrong, &chat)) {
        return if wrong == Misbehaviour::ResetBeforeBilling {
            Err(Reset)
        } else {
            tokio::time::sleep(latency).await;
            Ok(refusal(state, wrong))
        };
    }
    if let Some(verdict) = verdict.filter(|verdict| verdict.retry_after.is_some()) {
        return Ok(too_fast(state, &verdict));
    }
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let schema = chat.schema().map(|text| state.schema(text));
    let made = Made::new(&chat, schema.as_deref(), size, extra, wrong);
    let billed = state.ledger().bill(&Entry {
        call: call.to_owned(),
        prompt: made.prompt.clone(),
        input: made.input,
        output: made.output,
        cost: state.cost(made.input, made.output),
    });
    if billed.is_err() {
        return Err(Reset);
    }
    deliver(state, &chat, &made, wrong, verdict).await
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
fn is_refused(wrong: Misbehaviour, chat: &Chat<'_>) -> bool {
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
        M::NoSchemaMode => chat.schema().is_some(),
        _ => false,
    }
}

fn refusal(state: &State, wrong: Misbehaviour) -> Response<Reply> {
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
        M::Overloaded503 => (503, "server_overloaded", "The server is overloaded"),
        M::Overloaded529 => (529, "overloaded_error", "Overloaded"),
        _ => (500, "server_error", "Something went wrong"),
    };
    let mut response = error(status, code, message);
    if wrong == M::RateLimited {
        put(&mut response, "retry-after-ms", "1500");
        put(&mut response, "retry-after", "2");
    }
    response
}

fn too_fast(state: &State, verdict: &Verdict) -> Response<Reply> {
    state.ledger().refused(true);
    let mut response = error(429, "rate_limit_exceeded", "Rate limit reached");
    tell(&mut response, verdict);
    let wait = verdict.retry_after.unwrap_or_default();
    put(
        &mut response,
        "retry-after-ms",
        &(wait.as_millis() + 1).to_string(),
    );
    put(&mut response, "retry-after", &(wait.as_secs() + 1).to_string());
    response
}

/// The rate headers, as OpenAI writes them.
fn tell(response: &mut Response<Reply>, verdict: &Verdict) {
    let [requests, tokens] = [
        (
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ),
        (
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ),
    ];
    for (names, left) in [(requests, verdict.requests), (tokens, verdict.tokens)] {
        if let Some(left) = left {
            put(response, names.0, &left.limit.to_string());
            put(response, names.1, &left.remaining.to_string());
            put(response, names.2, &format!("{}ms", left.reset.as_millis()));
        }
    }
}

/// Sends a billed answer, or fails to.
async fn deliver(
    state: &Arc<State>,
    chat: &Chat<'_>,
    made: &Made,
    wrong: Option<Misbehaviour>,
    verdict: Option<Verdict>,
) -> Result<Response<Reply>, Reset> {
    use Misbehaviour as M;
    let id = state.calls.fetch_add(1, Ordering::Relaxed);
    match wrong {
        Some(M::ResetAfterBilling) => return Err(Reset),
        Some(M::Hang) => std::future::pending::<()>().await,
        Some(M::InternalError) => return Ok(error(500, "server_error", "Something went wrong")),
        Some(M::InvalidEnvelope) => return Ok(Reply::bytes(200, b"{\"choices\": 7}".to_vec())),
        _ => {}
    }
    let body = made.envelope(id, &chat.model, wrong);
    let length = body.len();
    let mut response = Reply::bytes(200, body);
    put(&mut response, "x-request-id", &format!("req-{id}"));
    if let Some(verdict) = verdict {
        tell(&mut response, &verdict);
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
