//! The parent's side: a pool of children, a clock, and no trust.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{PageImage, ParsedDocument};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

use super::frame::{Answer, LARGEST, Order, Reply, Task};
use crate::ocr;
use crate::port::{ImageOptions, Ocr, ReadRequest};

/// How children are started and how long they may take.
#[derive(Debug, Clone)]
pub struct Config {
    /// The program that serves as parse worker.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Children at the same time.
    pub children: usize,
    /// Time for a document without text recognition.
    pub limit: Duration,
    /// Time for a document whose pages are pictures.
    pub ocr_limit: Duration,
}

impl Config {
    /// This same program, started with `argument`.
    ///
    /// # Errors
    /// When the system does not say where this program is.
    pub fn this_program(argument: &str) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: vec![argument.to_owned()],
            children: std::thread::available_parallelism().map_or(2, usize::from),
            limit: Duration::from_secs(20),
            ocr_limit: Duration::from_secs(300),
        })
    }
}

/// Longest that rendering a page takes on a slow, busy machine.
const RENDER_PAGE: Duration = Duration::from_secs(2);

/// What a child takes over of the environment: where tesseract and its languages are, and where
/// programs are found that are linked in unusual places.
const INHERITED: [&str; 4] = ["PATH", "TESSDATA_PREFIX", "LD_LIBRARY_PATH", "LANG"];

/// Documents after which a child is replaced: what leaks, leaks little.
const DOCUMENTS_PER_CHILD: u32 = 200;

/// How often in a row a document's reader may be killed from outside before the document has to
/// wait: whoever kills readers may be busy doing so right now.
const KILLS: u32 = 3;

/// A pool of children.
pub struct Sandbox {
    config: Config,
    idle: Mutex<Vec<Worker>>,
    places: Semaphore,
}

impl Sandbox {
    /// A pool; children are started when they are needed.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let places = Semaphore::new(config.children.max(1));
        Self {
            config,
            idle: Mutex::default(),
            places,
        }
    }

    /// Reads a document in a child.
    ///
    /// # Errors
    /// With the reader's reason, or with what became of the child.
    pub async fn read(&self, request: ReadRequest) -> Result<ParsedDocument, Failure> {
        // Only pictures of text may take minutes; whether there are any shows on the way.
        let limit = match request.options.ocr {
            Ocr::Auto if may_be_scanned(&request) => self.config.ocr_limit,
            _ => self.config.limit,
        };
        let order = Order {
            name: request.name,
            passwords: request.passwords,
            task: Task::Read {
                options: request.options,
                // The last page begun, and sending all of it, need time too.
                ocr_seconds: limit.as_secs() * 4 / 5,
            },
        };
        match self.carry_out(order, &request.content, limit).await? {
            Reply::Reading(json) => serde_json::from_slice::<ParsedDocument>(&json)
                .ok()
                .filter(crate::read::is_sound)
                .ok_or_else(|| Failure::new(FailureCode::ParseCrash, "the reader's result makes no sense")),
            other => Err(unexpected(other)),
        }
    }

    /// Renders a document in a child.
    ///
    /// # Errors
    /// With the reader's reason, or with what became of the child.
    pub async fn render(
        &self,
        request: ReadRequest,
        images: ImageOptions,
    ) -> Result<Vec<PageImage>, Failure> {
        let order = Order {
            name: request.name,
            passwords: request.passwords,
            task: Task::Render(images),
        };
        let limit = (self.config.limit + RENDER_PAGE * images.max_pages.min(1000))
            .min(self.config.ocr_limit.max(self.config.limit));
        match self.carry_out(order, &request.content, limit).await? {
            Reply::Pictures(pictures) => Ok(pictures),
            other => Err(unexpected(other)),
        }
    }

    async fn carry_out(&self, order: Order, content: &[u8], limit: Duration) -> Result<Reply, Failure> {
        // Never closed, so never an error.
        let _place = self.places.acquire().await.ok();
        let order = postcard::to_stdvec(&order)
            .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?;
        if let Some(worker) = self.idle_worker() {
            match self.serve(worker, &order, content, limit).await {
                // What killed the child may be what earlier documents left behind in it, so this one
                // gets a second try, in a new child. One that ran out of time would again.
                Err(failure) if failure.code != FailureCode::ParseTimeout => {}
                Ok(reply) if broke_down(&reply) => {}
                done => return done,
            }
        }
        let mut kills = 0;
        loop {
            let worker = Worker::start(&self.config)?;
            match self.serve(worker, &order, content, limit).await {
                // Who kills a reader from outside says nothing about the document.
                Err(failure) if failure.code == FailureCode::ReaderKilled => {
                    kills += 1;
                    if kills >= KILLS {
                        return Err(failure);
                    }
                }
                done => return done,
            }
        }
    }

    /// Lets a worker serve; keeps it when it is still good. A worker that is dropped, here or
    /// because the caller gave up, is killed.
    async fn serve(
        &self,
        mut worker: Worker,
        order: &[u8],
        content: &[u8],
        limit: Duration,
    ) -> Result<Reply, Failure> {
        match tokio::time::timeout(limit, worker.serve(order, content)).await {
            Ok(Ok(answer)) => {
                worker.served += 1;
                if worker.served < DOCUMENTS_PER_CHILD && !answer.worn {
                    self.idle().push(worker);
                }
                Ok(answer.reply)
            }
            Ok(Err(_)) => Err(worker.obituary().await),
            Err(_) => Err(Failure::new(
                FailureCode::ParseTimeout,
                format!("reading it took longer than {} seconds", limit.as_secs()),
            )),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept worker that still lives.
    fn idle_worker(&self) -> Option<Worker> {
        let mut idle = self.idle();
        while let Some(mut worker) = idle.pop() {
            if matches!(worker.child.try_wait(), Ok(None)) {
                return Some(worker);
            }
        }
        None
    }
}

/// Formats that can hold pictures of text.
fn may_be_scanned(request: &ReadRequest) -> bool {
    use docmill_core::document::Kind;
    matches!(
        crate::detect::detect(&request.name, &request.content).kind,
        Kind::Pdf | Kind::Image
    )
}

/// Whether a child was not able to go on, and said so itself.
fn broke_down(reply: &Reply) -> bool {
    let Reply::Failed(json) = reply else { return false };
    let failure: Option<Failure> = serde_json::from_str(json).ok();
    failure.is_some_and(|failure| failure.code == FailureCode::ParseCrash)
}

fn unexpected(reply: Reply) -> Failure {
    match reply {
        Reply::Failed(json) => serde_json::from_str(&json)
            .unwrap_or_else(|_| Failure::new(FailureCode::ParseCrash, "the reader broke down on it")),
        _ => Failure::new(FailureCode::ParseCrash, "the reader's result makes no sense"),
    }
}

/// A child and its pipes. Dropping it kills its whole process group.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    served: u32,
    /// Processes the system had killed for want of memory when this one was started.
    out_of_memory_kills: u64,
}

impl Worker {
    fn start(config: &Config) -> Result<Self, Failure> {
        let failed = |reason: String| {
            Failure::new(
                FailureCode::Internal,
                format!("a parse worker could not be started: {reason}"),
            )
        };
        let mut child = Command::new(&config.program)
            .args(&config.arguments)
            // The keys of providers are in there.
            .env_clear()
            .envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            // Where the networks are depends on the user's home, which is none of the child's business.
            .envs(ocr::network_folder().map(|folder| (ocr::NETWORKS, folder)))
            // mimalloc takes a gigabyte of address space in advance, and that is all the child may have.
            .env("MIMALLOC_ARENA_RESERVE", "16MiB")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own: Ctrl-C in the terminal is for the parent, which lets it finish; and a
            // kill reaches what the child started.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                child,
                input,
                output,
                served: 0,
                out_of_memory_kills: out_of_memory_kills(),
            }),
            _ => Err(failed("it has no pipes".to_owned())),
        }
    }

    async fn serve(&mut self, order: &[u8], content: &[u8]) -> std::io::Result<Answer> {
        let Self { input, output, .. } = self;
        let send = async {
            for frame in [order, content] {
                let length = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
                input.write_all(&length.to_le_bytes()).await?;
                input.write_all(frame).await?;
            }
            input.flush().await
        };
        let receive = async {
            let length = output.read_u32_le().await?;
            if length > LARGEST {
                return Err(std::io::Error::other("the frame is too large"));
            }
            // Grows with what comes: a length alone must not take memory.
            let mut answer = Vec::new();
            output.take(u64::from(length)).read_to_end(&mut answer).await?;
            postcard::from_bytes(&answer).map_err(std::io::Error::other)
        };
        // A child that dies while it is written to breaks the pipe; what it said before counts.
        let (_, answer) = tokio::join!(send, receive);
        answer
    }

    /// What became of a child that ended in the middle of a document.
    async fn obituary(mut self) -> Failure {
        use std::os::unix::process::ExitStatusExt as _;
        let status = tokio::time::timeout(Duration::from_secs(2), self.child.wait()).await;
        let signal = status
            .ok()
            .and_then(Result::ok)
            .and_then(|status| status.signal());
        // Out of memory aborts (6), as does an overflow of the stack; 24 is the limit on CPU time.
        match signal {
            Some(24) => Failure::new(
                FailureCode::ParseTimeout,
                "reading it took more CPU time than allowed",
            ),
            // Nothing in a document makes its reader send itself one of these.
            Some(signal @ (1 | 2 | 9 | 15)) => {
                killed(signal, out_of_memory_kills() > self.out_of_memory_kills)
            }
            Some(6) => Failure::new(
                FailureCode::ParseLimit,
                "reading it took more memory, or nested deeper, than allowed",
            ),
            _ => Failure::new(FailureCode::ParseCrash, "the reader died on it"),
        }
    }
}

/// A reader that was killed, by whom as far as can be known.
fn killed(signal: i32, out_of_memory: bool) -> Failure {
    let message = if out_of_memory {
        "the system ran out of memory and killed its reader".to_owned()
    } else {
        format!("its reader was killed from outside docmill (signal {signal})")
    };
    Failure::new(FailureCode::ReaderKilled, message)
}

/// Processes the system has killed for want of memory since it started; 0 where it does not say.
fn out_of_memory_kills() -> u64 {
    std::fs::read_to_string("/proc/vmstat").map_or(0, |counters| {
        counters
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "))
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0)
    })
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The group's number is the child's; after it was waited for, there is no number any more.
        let group = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
