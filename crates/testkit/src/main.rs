//! `docmill-standin`: the stand-in provider as a program of its own. Prints
//! one JSON line with its address, then serves until it is killed.

use std::io::Write as _;
use std::process::ExitCode;

use docmill_testkit::standin::{Behaviour, Config, Standin};

const USAGE: &str = "\
docmill-standin: an OpenAI-compatible server for tests and benchmarks

  --port PORT            listen on 127.0.0.1:PORT (default 0: any free port)
  --ledger FILE          keep the books in FILE, read it again at the start
  --api-key KEY          let in only this key
  --input-price PICOS    pico-dollars per prompt token (default 150000)
  --output-price PICOS   pico-dollars per answer token (default 600000)
  --model NAME           a model in the list (may be given several times)
  --seed NUMBER          seed of latencies and misbehaviour (default 1)
  --behaviour JSON       how it behaves at first, for example
                         '{\"latency\": {\"log_normal\": {\"median_ms\": 300, \"p99_ms\": 1200}}}'
                         '{\"requests_per_minute\": 600, \"shares\": {\"internal_error\": 0.01}}'
  --threads NUMBER       threads that serve (default 1)
";

struct Arguments {
    config: Config,
    threads: usize,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut config = Config::default();
    let mut models = Vec::new();
    let mut threads = 1;
    while let Some(option) = words.next() {
        let value = words.next().ok_or_else(|| format!("{option} needs a value"))?;
        let bad = |cause: String| format!("{option} {value}: {cause}");
        match option.as_str() {
            "--port" => config.port = number(&value).map_err(bad)?,
            "--ledger" => config.ledger = Some(value.into()),
            "--api-key" => config.api_key = Some(value),
            "--input-price" => config.input_price = number(&value).map_err(bad)?,
            "--output-price" => config.output_price = number(&value).map_err(bad)?,
            "--model" => models.push(value),
            "--seed" => config.seed = number(&value).map_err(bad)?,
            "--threads" => threads = number::<usize>(&value).map_err(bad)?.max(1),
            "--behaviour" => {
                config.behaviour =
                    serde_json::from_str::<Behaviour>(&value).map_err(|cause| bad(cause.to_string()))?;
            }
            _ => return Err(format!("unknown option {option}")),
        }
    }
    if !models.is_empty() {
        config.models = models;
    }
    Ok(Arguments { config, threads })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|cause: T::Err| cause.to_string())
}

fn serve(arguments: Arguments) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.threads)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let standin = Standin::start(arguments.config).await?;
        let hello = serde_json::json!({
            "address": standin.address().to_string(),
            "base_url": standin.base_url(),
        });
        let mut out = std::io::stdout();
        writeln!(out, "{hello}")?;
        out.flush()?;
        standin.run().await;
        Ok(())
    })
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprint!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("docmill-standin: {cause}");
            ExitCode::FAILURE
        }
    }
}
