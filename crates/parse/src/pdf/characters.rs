//! Characters as fonts name them, turned into characters as people write them.

/// Adds a character of a font's own table to a text: ligatures as their letters,
/// presentation forms as the letters they show, kinds of blanks as a blank.
pub(crate) fn push(c: char, text: &mut String) {
    match c {
        '\u{fb00}' => text.push_str("ff"),
        '\u{fb01}' => text.push_str("fi"),
        '\u{fb02}' => text.push_str("fl"),
        '\u{fb03}' => text.push_str("ffi"),
        '\u{fb04}' => text.push_str("ffl"),
        '\u{fb05}' | '\u{fb06}' => text.push_str("st"),
        // A soft hyphen that is drawn is a hyphen.
        '\u{ad}' => text.push('-'),
        // Marks without a width say nothing to a reader.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {}
        // Symbol fonts: bullets and boxes that forms use.
        '\u{f0b7}' => text.push('•'),
        '\u{f0a7}' => text.push('▪'),
        '\u{f0fc}' => text.push('✓'),
        '\u{f0fd}' | '\u{f0fe}' => text.push('☑'),
        '\u{f06f}' | '\u{f071}' | '\u{f0a8}' => text.push('☐'),
        c if is_blank(c) => text.push(' '),
        c if c.is_control() => {}
        c => match presented(c) {
            Some(letters) => text.push_str(letters),
            None => text.push(c),
        },
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}')
}

/// The letters behind an Arabic presentation form.
fn presented(c: char) -> Option<&'static str> {
    if !matches!(c, '\u{fe70}'..='\u{fefc}') {
        return None;
    }
    /// The letters of U+FE80 to U+FEFC, in order, with how many forms each has.
    const LETTERS: [(&str, u32); 40] = [
        ("ء", 1),
        ("آ", 2),
        ("أ", 2),
        ("ؤ", 2),
        ("إ", 2),
        ("ئ", 4),
        ("ا", 2),
        ("ب", 4),
        ("ة", 2),
        ("ت", 4),
        ("ث", 4),
        ("ج", 4),
        ("ح", 4),
        ("خ", 4),
        ("د", 2),
        ("ذ", 2),
        ("ر", 2),
        ("ز", 2),
        ("س", 4),
        ("ش", 4),
        ("ص", 4),
        ("ض", 4),
        ("ط", 4),
        ("ظ", 4),
        ("ع", 4),
        ("غ", 4),
        ("ف", 4),
        ("ق", 4),
        ("ك", 4),
        ("ل", 4),
        ("م", 4),
        ("ن", 4),
        ("ه", 4),
        ("و", 2),
        ("ى", 2),
        ("ي", 4),
        ("لآ", 2),
        ("لأ", 2),
        ("لإ", 2),
        ("لا", 2),
    ];
    let mut at = 0xfe80;
    for (letter, forms) in LETTERS {
        if (at..at + forms).contains(&u32::from(c)) {
            return Some(letter);
        }
        at += forms;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(text: &str) -> String {
        let mut pushed = String::new();
        text.chars().for_each(|c| push(c, &mut pushed));
        pushed
    }

    #[test]
    fn forms_of_letters_become_the_letters() {
        assert_eq!(pushed("ef\u{fb01}cient o\u{fb03}ce"), "efficient office");
        assert_eq!(pushed("\u{fe8f}\u{fe91}\u{fef4}\u{fefb}"), "ببيلا");
        assert_eq!(pushed("a\u{a0}b\u{200b}c\u{ad}d"), "a bc-d");
    }
}
