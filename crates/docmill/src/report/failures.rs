//! Failures grouped by cause, with what to do about each.

use docmill_store::{BatchRow, FailureGroup};

use super::table::Table;
use super::text::{clean, count, counted};
use super::{Style, Ui, paint};

/// The groups as a table, and their hints below it; nothing when nothing failed.
pub fn render(groups: &[FailureGroup], colored: bool, columns: Option<usize>) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[">failed", "code", "for example"]);
    for group in groups {
        table.row(vec![
            (count(group.documents), Some(Style::Red)),
            (group.code.to_string(), None),
            (format!("#{}: {}", group.example_document, group.example), None),
        ]);
    }
    let mut out = table.render(colored, columns);
    for group in groups {
        let code = paint(colored, Style::Dim, group.code.as_str());
        out.push_str(&format!("  {code}: {}\n", clean(group.code.hint())));
    }
    out
}

/// Commands that help with what failed.
pub fn next_commands(row: &BatchRow, groups: &[FailureGroup], ui: &Ui) {
    if groups.is_empty() {
        return;
    }
    let id = row.id.short();
    let failed: u64 = groups.iter().map(|group| group.documents).sum();
    ui.hint(&format!(
        "docmill list {id} --state failed   ({})",
        counted(failed, "document")
    ));
    ui.hint(&format!(
        "docmill retry {id} --failed       once the cause is gone"
    ));
}
