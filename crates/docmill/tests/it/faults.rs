//! What happens around the database, as a person meets it: each fault is named, and the way on
//! works.

use std::fs;

use crate::program::{Program, Ran, as_text, documents, rehearsal, template};

/// The documented exit status of a database that cannot be used.
const STORE: i32 = 7;

/// Twenty documents, done.
fn worked() -> Program {
    let program = Program::new();
    let (docs, template) = (documents(&program, 20), template(&program));
    program
        .run(&rehearsal(&docs, &template, &["--yes", "--quiet"]))
        .succeeds();
    program
}

fn completed(program: &Program) -> u64 {
    let ran = program.run(&["status", "--json"]).succeeds();
    let batches = ran.json();
    batches[0]["documents"]["completed"]
        .as_u64()
        .unwrap_or_else(|| panic!("{batches}"))
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_for_its_owner_alone_and_an_open_one_is_closed() {
    use std::os::unix::fs::PermissionsExt as _;
    let program = worked();
    let mode = |name: &str| {
        let path = program.data_dir().join(name);
        fs::metadata(&path).map_or(0o700, |it| it.permissions().mode() & 0o777)
    };
    assert_eq!(mode(""), 0o700);
    for entry in fs::read_dir(program.data_dir()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert_eq!(mode(&name) & 0o077, 0, "{name}");
    }
    // As earlier versions left it.
    for (path, open) in [
        (program.data_dir(), 0o755),
        (program.data_dir().join("docmill.db"), 0o644),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(open)).unwrap();
    }
    let said = program.run(&["status"]).succeeds().stderr;
    assert!(said.contains("it is private now (2 files closed)"), "{said}");
    assert_eq!((mode(""), mode("docmill.db")), (0o700, 0o600));
    assert!(!program.run(&["status"]).succeeds().stderr.contains("private"));
}

#[test]
fn an_emptied_or_missing_database_is_told_with_two_ways_on() {
    let program = worked();
    let database = program.data_dir().join("docmill.db");
    let backup = as_text(&program.path("backup.db"));
    program.run(&["backup", &backup]).succeeds();
    program.run(&["backup", &backup]).fails(2, "exists", "--force");

    fs::write(&database, b"").unwrap();
    program
        .run(&["status"])
        .fails(STORE, "it is empty, after", "docmill restore FILE");
    program.run(&["restore", &backup, "--check"]).succeeds();
    program.run(&["restore", &backup]).succeeds();
    assert_eq!(completed(&program), 20);

    fs::remove_file(&database).unwrap();
    program
        .run(&["status"])
        .fails(STORE, "it was moved or deleted", "restore --as-is");
    program.run(&["restore", "--as-is"]).succeeds();
    let listed = program.run(&["status", "--json"]).succeeds().json();
    assert_eq!(listed, serde_json::json!([]), "it begins anew, as it was told");
}

#[test]
fn a_damaged_database_is_told_and_a_damaged_backup_is_refused() {
    let program = worked();
    let database = program.data_dir().join("docmill.db");
    let backup = program.path("backup.db");
    program.run(&["backup", &as_text(&backup)]).succeeds();
    let mut bytes = fs::read(&backup).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 8192].fill(0x5A);
    let bad = program.write("bad.db", &bytes);
    let checked = program.run(&["restore", &as_text(&bad), "--check"]);
    assert_eq!(checked.status, STORE, "{checked:?}");
    program
        .run(&["restore", &as_text(&bad)])
        .fails(STORE, "is damaged", "puts a backup in its place");
    assert_eq!(completed(&program), 20, "what was there is still there");

    let mut bytes = fs::read(&database).unwrap();
    bytes[4096..].fill(0x5A);
    fs::write(&database, bytes).unwrap();
    program
        .run(&["list", "last"])
        .fails(STORE, "is damaged", "docmill restore FILE");
    program.run(&["restore", &as_text(&backup)]).succeeds();
    assert_eq!(completed(&program), 20);
}

/// Without care the system kills whoever writes beyond the limit, without a word.
#[cfg(unix)]
#[test]
fn a_limit_on_file_sizes_is_told_and_nothing_is_lost() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 200), template(&program));
    let words = rehearsal(&docs, &template, &["--yes", "--quiet", "--no-estimate"]);
    // In blocks of 512 bytes or a KiB, as the shell likes: room for the tables, not for the work.
    let mut limited = std::process::Command::new("sh");
    let plain = program.command(&words);
    limited
        .arg("-c")
        .arg("ulimit -f 400; exec \"$0\" \"$@\"")
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(program.path(""));
    let ran = Ran::of(limited.output().unwrap());
    assert_eq!(ran.status, STORE, "{ran:?}");
    assert!(ran.stderr.contains("limit on file sizes"), "{ran:?}");
    program.run(&words).succeeds();
    assert_eq!(completed(&program), 200);
}

/// Nothing of a name or a value is left in any file of the data folder.
#[test]
fn what_is_forgotten_is_gone_and_what_was_spent_stays() {
    let program = Program::new();
    let template = template(&program);
    for number in 0..3 {
        let text = format!("Zanzibar Spices\nReceipt {number}\nTotal: {number}.50\n");
        program.write(&format!("docs/quagmire-{number}.txt"), text);
    }
    let docs = as_text(&program.path("docs"));
    program
        .run(&rehearsal(&docs, &template, &["--yes", "--quiet"]))
        .succeeds();
    let status = || program.run(&["status", "--json"]).succeeds().json()[0].clone();
    let before = status();
    program
        .run(&["forget", "last", "2"])
        .fails(2, "cannot be undone", "--yes");
    let told = program
        .run(&["forget", "last", "2", "--yes", "--json"])
        .succeeds()
        .json();
    assert_eq!(
        (told["documents"].as_u64(), told["results"].as_u64()),
        (Some(1), Some(1))
    );
    assert!(holds(&program, "quagmire-0") && !holds(&program, "quagmire-1"));
    program.run(&["forget", "last", "--yes"]).succeeds();
    assert!(!holds(&program, "quagmire"), "no name is left");
    let after = status();
    for what in ["settled_usd", "documents", "calls"] {
        assert_eq!(after[what], before[what], "{what}");
    }
    program.run(&["list", "last"]).succeeds();
    program
        .run(&["export", "last", "--format", "jsonl", "--out", "-"])
        .succeeds();
}

/// Whether any file below the data folder holds these bytes.
fn holds(program: &Program, word: &str) -> bool {
    let mut folders = vec![program.data_dir()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path)
                .unwrap()
                .windows(word.len())
                .any(|window| window == word.as_bytes())
            {
                return true;
            }
        }
    }
    false
}
