//! Forms: what was filled in. A field that draws its value is read where it is drawn; one
//! that does not gets its value put where the field stands. Data that no field shows (of an
//! XFA form) is added below the text.

use std::collections::BTreeMap;

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Object, Rect, Stream, String as PdfString};
use hayro::hayro_syntax::page::Page;
use quick_xml::events::Event;

use crate::layout::{Frame, Item};
use crate::pdf::{add_lines, strings};

/// Deepest nesting of fields in fields, and of elements in XFA's data.
const DEEPEST: usize = 32;

/// Values of XFA's data that are looked at.
const MOST: usize = 5000;

/// The form of a document.
pub(crate) struct Form {
    present: bool,
    /// Names and values of XFA's data.
    data: Vec<(String, String)>,
}

impl Form {
    /// The document's form; one without fields when it has none.
    pub(crate) fn of(pdf: &Pdf) -> Self {
        let form = pdf
            .xref()
            .get::<Dict<'_>>(pdf.xref().root_id())
            .and_then(|catalog| catalog.get::<Dict<'_>>("AcroForm"));
        let data = form
            .as_ref()
            .and_then(datasets)
            .map(|xml| values(&xml))
            .unwrap_or_default();
        Self {
            present: form.is_some(),
            data,
        }
    }

    /// Puts the values of fields that draw nothing where the fields stand.
    pub(crate) fn add_values(&self, page: &Page<'_>, _number: u32, groups: &mut Vec<(Frame, Vec<Item>)>) {
        if !self.present {
            return;
        }
        let transform = page.initial_transform(true);
        let widgets: Vec<Dict<'_>> = strings::list(page.raw(), "Annots");
        for widget in widgets.iter().take(MOST) {
            if strings::name(widget, "Subtype").as_deref() != Some("Widget")
                || widget.get::<u32>("F").unwrap_or(0) & (1 << 1 | 1 << 5) != 0
            {
                continue;
            }
            let (Some(value), Some(rect)) = (value(widget), widget.get::<Rect>("Rect")) else {
                continue;
            };
            let corner = |x: f64, y: f64| {
                let [a, b, c, d, e, f] = transform.as_coeffs();
                ((a * x + c * y + e) as f32, (b * x + d * y + f) as f32)
            };
            let (one, other) = (corner(rect.x0, rect.y0), corner(rect.x1, rect.y1));
            let place = (
                one.0.min(other.0),
                one.1.min(other.1),
                one.0.max(other.0),
                one.1.max(other.1),
            );
            if !is_drawn(place, groups) {
                put(&value, place, groups);
            }
        }
    }

    /// Adds what the data says and no page shows.
    pub(crate) fn add_unplaced(&self, pages: &mut [docmill_core::page::Page]) {
        let squeeze = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let shown: String = pages.iter().map(|page| squeeze(&page.text)).collect();
        let mut lines: Vec<String> = self
            .data
            .iter()
            .filter(|(_, value)| {
                let value = squeeze(value);
                !value.is_empty() && !shown.contains(&value)
            })
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        if let (Some(page), false) = (pages.first_mut(), lines.is_empty()) {
            lines.insert(0, "\nForm data:".to_owned());
            add_lines(page, &lines);
        }
    }
}

/// An entry that fields inherit from the fields they are in.
fn inherited<'a>(widget: &Dict<'a>, key: &str) -> Option<Object<'a>> {
    let mut field = widget.clone();
    for _ in 0..DEEPEST {
        if let Some(found) = field.get::<Object<'a>>(key) {
            return Some(found);
        }
        field = field.get::<Dict<'a>>("Parent")?;
    }
    None
}

/// What a field says, as a person would see it.
fn value(widget: &Dict<'_>) -> Option<String> {
    let Some(Object::Name(kind)) = inherited(widget, "FT") else {
        return None;
    };
    match kind.as_ref() {
        b"Tx" => match inherited(widget, "V")? {
            Object::String(text) => Some(strings::decode(text.as_bytes())),
            Object::Stream(stream) => stream.decoded().ok().map(|text| strings::decode(&text)),
            _ => None,
        },
        b"Ch" => {
            let options = labels(widget);
            let label = |text: &PdfString<'_>| {
                let text = strings::decode(text.as_bytes());
                options.get(&text).cloned().unwrap_or(text)
            };
            match inherited(widget, "V")? {
                Object::String(text) => Some(label(&text)),
                Object::Array(texts) => {
                    let texts: Vec<String> = texts.iter::<PdfString<'_>>().map(|text| label(&text)).collect();
                    Some(texts.join(", "))
                }
                _ => None,
            }
        }
        // A pushed button says nothing; a box or a circle is set or not.
        b"Btn" => {
            let flags = match inherited(widget, "Ff") {
                Some(Object::Number(flags)) => flags.as_i64(),
                _ => 0,
            };
            if flags & (1 << 16) != 0 {
                return None;
            }
            let set = strings::name(widget, "AS").is_some_and(|state| state != "Off");
            Some(if set { "☑" } else { "☐" }.to_owned())
        }
        _ => None,
    }
    .filter(|value| !value.is_empty())
}

/// What a choice shows for the values it stores.
fn labels(widget: &Dict<'_>) -> BTreeMap<String, String> {
    let Some(Object::Array(options)) = inherited(widget, "Opt") else {
        return BTreeMap::new();
    };
    options
        .iter::<Object<'_>>()
        .filter_map(|option| match option {
            Object::Array(pair) => {
                let mut pair = pair
                    .iter::<PdfString<'_>>()
                    .map(|text| strings::decode(text.as_bytes()));
                Some((pair.next()?, pair.next()?))
            }
            _ => None,
        })
        .take(MOST)
        .collect()
}

type Place = (f32, f32, f32, f32);

/// Whether a word stands in a field already.
fn is_drawn((x0, y0, x1, y1): Place, groups: &[(Frame, Vec<Item>)]) -> bool {
    groups.iter().any(|(frame, items)| {
        items.iter().any(|item| {
            let (left, top, right, bottom) = frame.on_page(item.x0, item.y0, item.x1, item.y1);
            let (x, y) = (f32::midpoint(left, right), f32::midpoint(top, bottom));
            x > x0 && x < x1 && y > y0 && y < y1
        })
    })
}

/// Puts a value where its field stands, line by line.
fn put(value: &str, (x0, y0, x1, y1): Place, groups: &mut Vec<(Frame, Vec<Item>)>) {
    let lines: Vec<&str> = value
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(200)
        .collect();
    let count = lines.len().max(1) as f32;
    let size = ((y1 - y0) / count * 0.8).clamp(1.0, 11.0);
    let wide = lines
        .iter()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(1)
        .max(1) as f32;
    let letter = ((x1 - x0) / wide).min(size * 0.5).max(0.1);
    // A value of one line stands in the middle of its field, several from the top down.
    let top = if lines.len() == 1 {
        f32::midpoint(y0, y1) - size * 0.5
    } else {
        y0
    };
    let mut items = Vec::new();
    for (line, number) in lines.iter().zip(0_u16..) {
        let base = top + f32::from(number) * size * 1.2 + size * 0.8;
        let mut x = x0;
        for word in line.split_whitespace() {
            let end = x + word.chars().count() as f32 * letter;
            items.push(Item {
                text: word.to_owned(),
                x0: x,
                x1: end,
                y0: base - size * 0.78,
                y1: base + size * 0.22,
                base,
                size,
            });
            x = end + letter;
        }
    }
    match groups.iter_mut().find(|(frame, _)| *frame == Frame::UPRIGHT) {
        Some((_, group)) => group.extend(items),
        None => groups.push((Frame::UPRIGHT, items)),
    }
}

/// The XML of the data that an XFA form was filled with.
fn datasets(form: &Dict<'_>) -> Option<Vec<u8>> {
    let bytes = |stream: &Stream<'_>| stream.decoded().ok().map(|data| data.into_owned());
    match form.get::<Object<'_>>("XFA")? {
        Object::Stream(stream) => bytes(&stream),
        Object::Array(parts) => data_part(&parts).and_then(|stream| bytes(&stream)),
        _ => None,
    }
}

/// The packet named "datasets".
fn data_part<'a>(parts: &Array<'a>) -> Option<Stream<'a>> {
    let mut is_next = false;
    for part in parts.iter::<Object<'a>>().take(200) {
        match part {
            Object::String(name) => is_next = name.as_bytes() == b"datasets",
            Object::Stream(stream) if is_next => return Some(stream),
            _ => {}
        }
    }
    None
}

/// Names and values of the leaves of XFA's data.
fn values(xml: &[u8]) -> Vec<(String, String)> {
    let xml = String::from_utf8_lossy(xml);
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut values = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut within_data = 0_usize;
    while values.len() < MOST && path.len() < DEEPEST {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = start.local_name().as_ref().to_owned();
                if within_data > 0 || name == "data" {
                    within_data += 1;
                }
                path.push(name);
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(&part),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(c)) => text.push(c),
                _ => text
                    .push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or_default()),
            },
            Ok(Event::End(_)) => {
                let name = path.pop().unwrap_or_default();
                if within_data > 1 && !text.trim().is_empty() {
                    let value = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    values.push((name, value));
                }
                within_data = within_data.saturating_sub(1);
                text.clear();
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    values
}
