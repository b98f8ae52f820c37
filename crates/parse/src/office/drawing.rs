//! What stands in drawings of Office documents and is no text of theirs: the data of charts
//! (ECMA-376 part 1, 21.2) and the words of diagrams (SmartArt, 21.4).

use docmill_core::failure::Failure;

use super::package::{Node, Package, attribute, walk};
use crate::blocks::Blocks;
use crate::table::Table;

/// Points of a series that are written.
const POINTS: usize = 10_000;

/// Writes the data of the chart in a part; what cannot be read is told.
pub(crate) fn chart(
    package: &mut Package<'_>,
    target: Option<String>,
    blocks: &mut Blocks,
    missing: &mut Vec<String>,
) {
    let xml = target.map(|target| package.part(&target));
    let read = match xml {
        Some(Ok(Some(xml))) => read_chart(&xml).ok(),
        _ => None,
    };
    match read {
        Some(chart) if !chart.is_empty() => chart.write(blocks),
        _ => missing.push("A chart was not read: its data is not in the document.".to_owned()),
    }
}

/// The same for a chart in a workbook: where its values stand in the sheets, which are read,
/// only its titles and the names of its series are written.
pub(crate) fn chart_of_sheet(
    package: &mut Package<'_>,
    target: Option<String>,
    blocks: &mut Blocks,
    missing: &mut Vec<String>,
) {
    let xml = target
        .as_ref()
        .and_then(|target| package.part(target).ok().flatten());
    let read = xml.as_ref().and_then(|xml| read_chart(xml).ok());
    match read {
        Some(chart) if chart.is_of_sheets => {
            let names: Vec<&str> = chart
                .series
                .iter()
                .map(|it| it.name.as_str())
                .filter(|it| !it.is_empty())
                .collect();
            let names = if names.is_empty() {
                String::new()
            } else {
                format!(" of {}", names.join(", "))
            };
            blocks.end_paragraph("");
            blocks.text(&format!("{}{names}", chart.heading()));
            blocks.end_paragraph("");
        }
        _ => self::chart(package, target, blocks, missing),
    }
}

/// Writes the words of the diagram in a part.
pub(crate) fn diagram(
    package: &mut Package<'_>,
    target: Option<String>,
    blocks: &mut Blocks,
    missing: &mut Vec<String>,
) {
    let xml = target.map(|target| package.part(&target));
    match xml {
        Some(Ok(Some(xml))) if words(&xml, blocks).is_ok() => {}
        _ => missing.push("A diagram was not read: its words are not in the document.".to_owned()),
    }
}

fn words(xml: &str, blocks: &mut Blocks) -> Result<(), Failure> {
    blocks.end_paragraph("");
    let mut in_text = false;
    walk(xml, &mut |node| match node {
        Node::Start("t", _) => in_text = true,
        Node::End("t") => in_text = false,
        Node::Text(text) if in_text => blocks.text(text),
        Node::End("p" | "pt") => blocks.end_paragraph("- "),
        _ => {}
    })?;
    Ok(())
}

#[derive(Default)]
struct Chart {
    titles: Vec<String>,
    series: Vec<Series>,
    /// All values come from sheets of the same file.
    is_of_sheets: bool,
}

#[derive(Default)]
struct Series {
    name: String,
    /// Names of the points, or the places of a scatter chart.
    names: Vec<(usize, String)>,
    values: Vec<(usize, String)>,
    sizes: Vec<(usize, String)>,
}

/// Where in a series the walk is.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Nowhere,
    Title,
    Name,
    Names,
    Values,
    Sizes,
}

fn read_chart(xml: &str) -> Result<Chart, Failure> {
    let mut chart = Chart::default();
    let (mut in_sheets, mut elsewhere, mut is_formula) = (0_usize, 0_usize, false);
    let mut at = At::Nowhere;
    let mut in_series = false;
    let mut is_shown = false;
    let mut point = 0;
    let mut text = String::new();
    walk(xml, &mut |node| match node {
        Node::Start("ser" | "series", _) => {
            in_series = true;
            chart.series.push(Series::default());
        }
        Node::End("ser" | "series") => in_series = false,
        Node::Start("title", _) if !in_series => {
            at = At::Title;
            text.clear();
        }
        Node::End("title") if !in_series => {
            at = At::Nowhere;
            let title = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if !title.is_empty() {
                chart.titles.push(title);
            }
            text.clear();
        }
        Node::Start(name @ ("tx" | "cat" | "xVal" | "val" | "yVal" | "bubbleSize"), _) if in_series => {
            at = match name {
                "tx" => At::Name,
                "cat" | "xVal" => At::Names,
                "bubbleSize" => At::Sizes,
                _ => At::Values,
            };
        }
        Node::End("tx" | "cat" | "xVal" | "val" | "yVal" | "bubbleSize") if in_series => at = At::Nowhere,
        Node::Start("pt", start) => {
            point = attribute(start, "idx")
                .and_then(|index| index.parse().ok())
                .unwrap_or(point);
        }
        Node::Start("numLit" | "strLit", _) => elsewhere += 1,
        Node::Start("f", _) => is_formula = true,
        Node::End("f") => is_formula = false,
        // "[1]Sheet1!A1" is in another file.
        Node::Text(formula) if is_formula => match formula.starts_with('[') {
            true => elsewhere += 1,
            false => in_sheets += 1,
        },
        Node::Start("v" | "t", _) => {
            is_shown = true;
            if at != At::Title {
                text.clear();
            }
        }
        Node::Text(words) if is_shown => text.push_str(words),
        Node::End("v" | "t") => {
            is_shown = false;
            let Some(series) = chart.series.last_mut().filter(|_| in_series) else {
                if at == At::Title {
                    text.push(' ');
                }
                return;
            };
            let value = text.trim().to_owned();
            let list = match at {
                At::Name => {
                    if !series.name.is_empty() {
                        series.name.push(' ');
                    }
                    series.name.push_str(&value);
                    return;
                }
                At::Names => &mut series.names,
                At::Values => &mut series.values,
                At::Sizes => &mut series.sizes,
                At::Nowhere | At::Title => return,
            };
            if list.len() < POINTS {
                list.push((point, value));
            }
        }
        _ => {}
    })?;
    chart.is_of_sheets = in_sheets > 0 && elsewhere == 0;
    Ok(chart)
}

impl Chart {
    fn is_empty(&self) -> bool {
        self.titles.is_empty() && self.series.iter().all(|series| series.values.is_empty())
    }

    fn heading(&self) -> String {
        match self.titles.split_first() {
            Some((title, [])) => format!("Chart: {title}"),
            Some((title, axes)) => format!("Chart: {title} ({})", axes.join(", ")),
            None => "Chart".to_owned(),
        }
    }

    /// A table: a row for each point, a column for each series; where the series have points
    /// of their own, one table for each.
    fn write(&self, blocks: &mut Blocks) {
        blocks.end_paragraph("");
        blocks.text(&self.heading());
        blocks.end_paragraph("");
        let shared = self.series.first().map(|first| &first.names);
        if self
            .series
            .iter()
            .all(|series| Some(&series.names) == shared && series.sizes.is_empty())
        {
            blocks.put_table(&table(&self.series.iter().collect::<Vec<_>>()));
        } else {
            for series in &self.series {
                blocks.put_table(&table(&[series]));
            }
        }
    }
}

fn table(series: &[&Series]) -> Table {
    let mut table = Table::new();
    let mut head = vec![String::new()];
    for one in series {
        head.push(if one.name.is_empty() {
            "Value".to_owned()
        } else {
            one.name.clone()
        });
        if !one.sizes.is_empty() {
            head.push("Size".to_owned());
        }
    }
    table.push(head);
    let points: std::collections::BTreeSet<usize> = series
        .iter()
        .flat_map(|one| one.names.iter().chain(&one.values))
        .map(|(point, _)| *point)
        .collect();
    let find = |list: &[(usize, String)], point: usize| {
        let place = list.binary_search_by_key(&point, |(point, _)| *point);
        place
            .ok()
            .map_or_else(String::new, |place| number(&list[place].1))
    };
    for point in points {
        let names = series.iter().map(|one| find(&one.names, point));
        let name = names
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        let mut row = vec![name];
        for one in series {
            row.push(find(&one.values, point));
            if !one.sizes.is_empty() {
                row.push(find(&one.sizes, point));
            }
        }
        table.push(row);
    }
    table
}

/// A number without the tail that binary fractions have.
fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if text.len() > 12 && number.is_finite() => crate::sheet::number_text(number),
        _ => text.to_owned(),
    }
}
