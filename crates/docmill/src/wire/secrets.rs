//! Keys, from where people keep them: a variable, a file, or a command.
//!
//! For `OPENAI_API_KEY` (and any other) there is `OPENAI_API_KEY_FILE`, a file with nothing but
//! the key in it (as Docker and Kubernetes mount them), and `OPENAI_API_KEY_COMMAND`, a command
//! line that prints it (a password manager). A command is run once for the life of the process.
//! What is read is handed to the provider and nowhere else.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::report::warn;

/// What files and commands gave, by the variable's name.
static KNOWN: Mutex<Option<HashMap<String, Option<String>>>> = Mutex::new(None);

/// The value of a variable, or what its file or its command says.
pub fn variable(name: &str) -> Option<String> {
    if let Ok(value) = std::env::var(name) {
        return Some(value);
    }
    let elsewhere = |suffix: &str| {
        std::env::var(format!("{name}{suffix}"))
            .ok()
            .filter(|it| !it.is_empty())
    };
    let (file, command) = (elsewhere("_FILE"), elsewhere("_COMMAND"));
    if file.is_none() && command.is_none() {
        return None;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(value) = known.get(name) {
        return value.clone();
    }
    let read = match (file, command) {
        (Some(file), _) => from_file(Path::new(&file)),
        (None, Some(command)) => from_command(&command),
        (None, None) => return None,
    };
    let value = match read {
        Ok(value) => Some(value),
        Err(reason) => {
            warn(&format!("{name} is not known: {reason}"));
            None
        }
    };
    known.insert(name.to_owned(), value.clone());
    value
}

fn from_file(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    only_line(&text).ok_or_else(|| format!("{} is empty", path.display()))
}

/// The command line is a person's own, from their own environment: a shell reads it.
fn from_command(command: &str) -> Result<String, String> {
    let output = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("its command cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("its command failed ({})", output.status));
    }
    only_line(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| "its command printed nothing".to_owned())
}

fn only_line(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
