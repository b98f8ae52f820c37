//! XLSX, read from its parts (ECMA-376 part 1, 18): cells through their formats, merged cells,
//! hidden rows, columns and sheets, comments, charts, text boxes, headers and footers.

mod cells;

use docmill_core::failure::{Failure, FailureCode};

use super::corrupt;
use super::format::Format;
use super::grid::Grid;
use crate::blocks::Blocks;
use crate::office::drawing;
use crate::office::package::{Node, Package, Relations, attribute, walk};
use crate::outcome::Outcome;

/// Reads a workbook.
pub(super) fn read(content: &[u8]) -> Result<Outcome, Failure> {
    let mut package = Package::open(content).map_err(|failure| corrupt(failure.message))?;
    let book = Book::open(&mut package)?;
    let mut outcome = Outcome::default();
    let is_only = book.sheets.len() == 1;
    let mut unread = Vec::new();
    for sheet in &book.sheets {
        let mut grid = Grid::new(&sheet.name, sheet.is_hidden);
        let read = match &sheet.part {
            Some(part) => add(&mut package, part, &book, &mut grid, &mut outcome),
            None => Err(corrupt("it is missing in the file")),
        };
        match read {
            Ok(is_whole) => {
                if !is_whole {
                    outcome.missing(format!(
                        "Sheet {:?} is damaged; it was read as far as it is whole.",
                        sheet.name
                    ));
                }
                grid.put_into(&mut outcome, is_only);
            }
            Err(failure) if failure.code == FailureCode::ParseLimit => return Err(failure),
            Err(failure) => unread.push(format!(
                "Sheet {:?} was not read: {}.",
                sheet.name, failure.message
            )),
        }
    }
    if outcome.pages.is_empty() {
        return Err(corrupt(unread.first().map_or("it has no sheets", String::as_str)));
    }
    for message in unread {
        outcome.missing(message);
    }
    Ok(outcome)
}

struct Sheet {
    name: String,
    is_hidden: bool,
    part: Option<String>,
}

/// What all sheets share.
struct Book {
    sheets: Vec<Sheet>,
    texts: Vec<String>,
    /// The format of each cell style.
    formats: Vec<Format>,
}

impl Book {
    fn open(package: &mut Package<'_>) -> Result<Self, Failure> {
        let main = ["xl/workbook.xml", "xl/Workbook.xml"]
            .into_iter()
            .find(|name| package.has(name))
            .map(str::to_owned)
            .or_else(|| {
                package
                    .relations("")
                    .of_type("/officeDocument")
                    .into_iter()
                    .next()
            })
            .ok_or_else(|| corrupt("it has no workbook"))?;
        let xml = package
            .part(&main)?
            .ok_or_else(|| corrupt("it has no workbook"))?;
        let relations = package.relations(&main);
        let mut sheets = Vec::new();
        let mut is_1904 = false;
        walk(&xml, &mut |node| match node {
            Node::Start("sheet", start) => sheets.push(Sheet {
                name: attribute(start, "name").unwrap_or_default(),
                is_hidden: attribute(start, "state").is_some_and(|state| state != "visible"),
                part: relation_id(start).and_then(|id| relations.target(Some(&id))),
            }),
            Node::Start("workbookPr", start) => {
                is_1904 = attribute(start, "date1904").is_some_and(|value| value == "1" || value == "true");
            }
            _ => {}
        })?;
        let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
        let texts = relations.of_type("/sharedStrings").into_iter().next();
        let texts = package.part(&texts.unwrap_or_else(|| format!("{folder}/sharedStrings.xml")))?;
        let styles = relations.of_type("/styles").into_iter().next();
        let styles = package.part(&styles.unwrap_or_else(|| format!("{folder}/styles.xml")))?;
        // Lists of neighbours get lost; sheets keep their usual names.
        let present = package.names(&format!("{folder}/worksheets/sheet"), ".xml");
        for (index, sheet) in sheets.iter_mut().enumerate() {
            if sheet.part.as_ref().is_none_or(|part| !package.has(part)) {
                sheet.part = present.get(index).cloned();
            }
        }
        Ok(Self {
            sheets,
            texts: texts.map_or_else(|| Ok(Vec::new()), |xml| shared_texts(&xml))?,
            formats: formats(styles.as_deref().unwrap_or_default(), is_1904)?,
        })
    }
}

/// The id in `r:id`, under whatever prefix; `sheetId` is another.
fn relation_id(start: &quick_xml::events::BytesStart<'_>) -> Option<String> {
    let found = start
        .attributes()
        .flatten()
        .find(|it| it.key.as_ref().ends_with(":id"));
    found.map(|it| it.value.into_owned())
}

/// The texts that cells name by number (18.4.8). Phonetic readings are not shown.
fn shared_texts(xml: &str) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    let mut text = String::new();
    let (mut is_text, mut phonetic) = (false, 0_usize);
    walk(xml, &mut |node| match node {
        Node::Start("si", _) => text.clear(),
        Node::End("si") => texts.push(cells::unescaped(&text)),
        Node::Start("rPh", _) => phonetic += 1,
        Node::End("rPh") => phonetic = phonetic.saturating_sub(1),
        Node::Start("t", _) => is_text = phonetic == 0,
        Node::End("t") => is_text = false,
        Node::Text(piece) if is_text => text.push_str(piece),
        _ => {}
    })?;
    Ok(texts)
}

/// The number format of each cell style (18.8.10, 18.8.30).
fn formats(xml: &str, is_1904: bool) -> Result<Vec<Format>, Failure> {
    let mut codes: Vec<(u32, String)> = Vec::new();
    let mut formats = Vec::new();
    let mut in_styles = false;
    walk(xml, &mut |node| match node {
        Node::Start("numFmt", start) => {
            let id = attribute(start, "numFmtId").and_then(|id| id.parse().ok());
            if let (Some(id), Some(code)) = (id, attribute(start, "formatCode")) {
                codes.push((id, code));
            }
        }
        Node::Start("cellXfs", _) => in_styles = true,
        Node::End("cellXfs") => in_styles = false,
        Node::Start("xf", start) if in_styles => {
            let id: u32 = attribute(start, "numFmtId")
                .and_then(|id| id.parse().ok())
                .unwrap_or(0);
            formats.push(match codes.iter().find(|(known, _)| *known == id) {
                Some((_, code)) => Format::of(code, is_1904),
                None => Format::built_in(id, is_1904),
            });
        }
        _ => {}
    })?;
    Ok(formats)
}

/// Reads the sheet in a part, and what stands beside its cells.
fn add(
    package: &mut Package<'_>,
    part: &str,
    book: &Book,
    grid: &mut Grid,
    outcome: &mut Outcome,
) -> Result<bool, Failure> {
    let xml = package
        .part(part)?
        .ok_or_else(|| corrupt("it is missing in the file"))?;
    let is_whole = cells::read(&xml, book, grid)?;
    drop(xml);
    let relations = package.relations(part);
    comments(package, &relations, grid);
    for drawing in relations.of_type("/drawing") {
        add_drawing(package, &drawing, grid, outcome)?;
    }
    let objects = relations.of_type("/oleObject").len() + relations.of_type("/package").len();
    if objects > 0 {
        let name = &grid.name;
        outcome.missing(format!(
            "{objects} embedded objects in sheet {name:?} were not read."
        ));
    }
    Ok(is_whole)
}

/// Comments, of the old and of the new kind (18.7; MS-XLSX 2.6.205). New ones are stored twice,
/// once as old ones that say that the program is too old.
fn comments(package: &mut Package<'_>, relations: &Relations, grid: &mut Grid) {
    let threads = relations.of_type("/threadedComment");
    let mut lines = Vec::new();
    for part in threads.iter().chain(&relations.of_type("/comments")) {
        let Ok(Some(xml)) = package.part(part) else {
            continue;
        };
        let mut place = String::new();
        let mut text = String::new();
        let (mut is_text, mut phonetic) = (false, 0_usize);
        // A damaged part gives what comes before the damage.
        let _whole = walk(&xml, &mut |node| match node {
            Node::Start("comment" | "threadedComment", start) => {
                place = attribute(start, "ref").unwrap_or_default();
                text.clear();
            }
            Node::Start("rPh", _) => phonetic += 1,
            Node::End("rPh") => phonetic = phonetic.saturating_sub(1),
            // `text` holds runs in old comments, and the words themselves in new ones.
            Node::Start("t", _) => is_text = phonetic == 0,
            Node::Start("text", _) => is_text = threads.contains(part),
            Node::End("t" | "text") => is_text = false,
            Node::Text(piece) if is_text => text.push_str(piece),
            Node::End("comment" | "threadedComment") => {
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if !words.is_empty() && !words.starts_with("[Threaded comment]") {
                    lines.push(format!("- {place}: {words}"));
                }
            }
            _ => {}
        });
    }
    if !lines.is_empty() {
        grid.beside.push(format!("Comments:\n{}", lines.join("\n")));
    }
}

/// Text boxes and charts of a sheet.
fn add_drawing(
    package: &mut Package<'_>,
    part: &str,
    grid: &mut Grid,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let Some(xml) = package.part(part)? else {
        return Ok(());
    };
    let relations = package.relations(part);
    let mut blocks = Blocks::new();
    let mut charts = Vec::new();
    let mut diagrams = Vec::new();
    let mut is_text = false;
    let mut pictures = 0_usize;
    walk(&xml, &mut |node| match node {
        Node::Start("t", _) => is_text = true,
        Node::End("t") => is_text = false,
        Node::Text(text) if is_text => blocks.text(text),
        Node::End("p") => blocks.end_paragraph(""),
        Node::Start("pic", _) => pictures += 1,
        Node::Start("chart", start) => charts.extend(relations.target(attribute(start, "id").as_deref())),
        Node::Start("relIds", start) => diagrams.extend(relations.target(attribute(start, "dm").as_deref())),
        _ => {}
    })?;
    let mut missing = Vec::new();
    for chart in charts {
        drawing::chart_of_sheet(package, Some(chart), &mut blocks, &mut missing);
    }
    for diagram in diagrams {
        drawing::diagram(package, Some(diagram), &mut blocks, &mut missing);
    }
    let text = blocks.finish();
    if !text.is_empty() {
        grid.beside.push(text);
    }
    for message in missing {
        outcome.missing(format!("Sheet {:?}: {message}", grid.name));
    }
    if pictures > 0 {
        let (count, verb) = if pictures == 1 {
            ("A picture".to_owned(), "was")
        } else {
            (format!("{pictures} pictures"), "were")
        };
        outcome.note(format!("{count} in sheet {:?} {verb} not read.", grid.name));
    }
    Ok(())
}
