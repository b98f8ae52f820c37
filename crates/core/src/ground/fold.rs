//! Folding: what of a character counts when texts are compared.
//!
//! Roughly Unicode's NFKC with case and accents taken away, for the scripts that
//! documents are printed in, without the tables of the whole of Unicode.

/// What a character becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folded {
    /// Letters of ASCII, lower case.
    Letters(&'static str),
    /// One digit of ASCII.
    Digit(u8),
    /// A letter outside ASCII, lower case.
    Letter(char),
    /// A sign that is a word by itself (Chinese, Japanese).
    Word(char),
    /// Nothing: accents that stand alone, soft hyphens, marks of no width.
    Nothing,
    /// Anything else divides words.
    Divider,
}

/// Folds a character outside ASCII.
pub(super) fn fold(c: char) -> Folded {
    match c {
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{300}'..='\u{36f}' => {
            Folded::Nothing
        }
        '\u{ff10}'..='\u{ff19}' => digit(u32::from(c) - 0xff10),
        '\u{ff21}'..='\u{ff3a}' => letter(u32::from(c) - 0xff21),
        '\u{ff41}'..='\u{ff5a}' => letter(u32::from(c) - 0xff41),
        '⁰' => Folded::Digit(b'0'),
        '¹' => Folded::Digit(b'1'),
        '²' => Folded::Digit(b'2'),
        '³' => Folded::Digit(b'3'),
        '⁴'..='⁹' => digit(u32::from(c) - u32::from('⁴') + 4),
        'ª' => Folded::Letters("a"),
        'º' => Folded::Letters("o"),
        'À'..='ſ' | 'Ș'..='ț' | 'Ạ'..='ỹ' | 'ﬀ'..='ﬆ' => latin(c),
        c if is_word_by_itself(c) => Folded::Word(c),
        c if c.is_alphabetic() => Folded::Letter(lower(c)),
        // Digits of other scripts stay themselves.
        c if c.is_alphanumeric() => Folded::Letter(c),
        _ => Folded::Divider,
    }
}

/// Scripts written without blanks, where every sign may begin and end a word.
fn is_word_by_itself(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{3040}'..='\u{30ff}')
}

/// Whether a word that ends here would go on with this character.
pub(super) fn continues_word(c: char) -> bool {
    c.is_alphanumeric() && !is_word_by_itself(c)
}

fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

const DIGITS: &[u8; 10] = b"0123456789";

fn digit(value: u32) -> Folded {
    let digit = usize::try_from(value).ok().and_then(|value| DIGITS.get(value));
    digit.map_or(Folded::Divider, |digit| Folded::Digit(*digit))
}

fn letter(index: u32) -> Folded {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let letter = index.checked_add(1).and_then(|end| LETTERS.get(index..end));
    letter.map_or(Folded::Divider, Folded::Letters)
}

/// Latin letters with marks as the letters under them.
fn latin(c: char) -> Folded {
    Folded::Letters(match c {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'Ạ'..='ặ' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ď'..='đ' | 'Ð' | 'ð' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' | 'Ẹ'..='ệ' => "e",
        'Ĝ'..='ģ' => "g",
        'Ĥ'..='ħ' => "h",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'Ỉ'..='ị' => "i",
        'Ĳ' | 'ĳ' => "ij",
        'Ĵ' | 'ĵ' => "j",
        'Ķ'..='ĸ' => "k",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' | 'Ọ'..='ợ' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' | 'ſ' | 'Ș' | 'ș' => "s",
        'ß' => "ss",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "t",
        'Þ' | 'þ' => "th",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'Ụ'..='ự' => "u",
        'Ŵ' | 'ŵ' => "w",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' | 'Ỳ'..='ỹ' => "y",
        'Ź'..='ž' => "z",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        // × and ÷ stand among the letters.
        _ => return Folded::Divider,
    })
}
