//! What people and programs get to see. Data goes to standard output, everything else to
//! standard error; nothing that comes from a document or a file name reaches a terminal
//! unwashed ([`text::clean`]).

pub mod estimate;
pub mod failures;
pub mod json;
pub mod live;
pub mod log;
pub mod plain;
pub mod summary;
pub mod table;
pub mod terminal;
pub mod text;

use std::io::{self, IsTerminal, Write};

use docmill_core::escape;

use crate::args::{Color, GlobalArgs};
use crate::fault::Fault;

/// How to talk: colours, width, how much.
#[derive(Debug, Clone)]
pub struct Ui {
    /// Colours on standard output.
    pub color_out: bool,
    /// Colours on standard error.
    pub color_err: bool,
    /// Standard output is a terminal.
    pub terminal_out: bool,
    /// Standard error is a terminal.
    pub terminal_err: bool,
    /// Standard input is a terminal: questions can be answered.
    pub terminal_in: bool,
    /// Only what went wrong.
    pub quiet: bool,
    /// The server as it was typed: commands that are shown need it too.
    pub server: Option<String>,
}

/// How a word is painted. Colour never carries a meaning alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Important.
    Bold,
    /// Less important.
    Dim,
    /// Bad.
    Red,
    /// Good.
    Green,
    /// To be looked at.
    Yellow,
    /// A way on.
    Cyan,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }
}

/// Paints or does not.
pub fn paint(colored: bool, style: Style, text: &str) -> String {
    if colored {
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    } else {
        text.to_owned()
    }
}

impl Ui {
    /// From what was typed, the environment and the terminal.
    pub fn new(global: &GlobalArgs) -> Self {
        let says = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let (terminal_out, terminal_err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let colored = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !dumb && !says("NO_COLOR"),
        };
        Self {
            color_out: colored(terminal_out),
            color_err: colored(terminal_err),
            terminal_out,
            terminal_err: terminal_err && !dumb,
            terminal_in: io::stdin().is_terminal(),
            quiet: global.quiet,
            // From the environment it holds for the next command as well.
            server: global
                .server
                .clone()
                .filter(|_| std::env::var_os("DOCMILL_SERVER").is_none()),
        }
    }

    /// Columns of the terminal behind standard output; without one there is no limit.
    pub fn width_out(&self) -> Option<usize> {
        if !self.terminal_out {
            return None;
        }
        terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
    }

    /// A line on standard error, unless it should be quiet.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            warn(line);
        }
    }

    /// A way on, on standard error.
    pub fn hint(&self, text: &str) {
        if !self.quiet {
            warn(&format!(
                "{} {}",
                paint(self.color_err, Style::Cyan, "hint:"),
                text::clean_lines(&self.at_server(text))
            ));
        }
    }

    /// A hint whose command goes where this one went.
    fn at_server(&self, hint: &str) -> String {
        match (&self.server, hint.strip_prefix("docmill ")) {
            (Some(url), Some(rest)) if !rest.starts_with("serve") => format!("docmill --server {url} {rest}"),
            _ => hint.to_owned(),
        }
    }

    /// Something to be looked at, on standard error.
    pub fn warn(&self, text: &str) {
        warn(&format!(
            "{} {}",
            paint(self.color_err, Style::Yellow, "warning:"),
            text::clean_lines(text)
        ));
    }

    /// What ended the command.
    pub fn fault(&self, fault: &Fault) {
        warn(&format!(
            "{} {}",
            paint(self.color_err, Style::Red, "error:"),
            text::clean_lines(&fault.message)
        ));
        if let Some(hint) = &fault.hint {
            warn(&format!(
                "{} {}",
                paint(self.color_err, Style::Cyan, "hint:"),
                text::clean_lines(&self.at_server(hint))
            ));
        }
    }

    /// Data, on standard output.
    pub fn out(&self, data: &str) -> Result<(), Fault> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(data.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(|error| Fault::output(&error))
    }

    /// One JSON document, on standard output.
    pub fn json(&self, value: &impl serde::Serialize) -> Result<(), Fault> {
        let text = if self.terminal_out {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        let text = text.map_err(|error| Fault::output(&error.into()))?;
        let mut text = escape::json(&text).into_owned();
        text.push('\n');
        self.out(&text)
    }
}

/// Standard error may be gone; then nobody hears that either.
pub fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
