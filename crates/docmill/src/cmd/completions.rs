//! `docmill completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Cli, Context};
use crate::exit::Exit;
use crate::fault::Fault;

/// Carries out the verb.
pub fn perform(shell: Shell, context: &Context) -> Result<Exit, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "docmill", &mut script);
    context.ui.out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
