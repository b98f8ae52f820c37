//! The parse worker alone, for tests and for trying readers by hand. The `docmill`
//! program contains the same worker.

fn main() -> std::process::ExitCode {
    docmill_parse::sandbox::child::main()
}
