//! What a picture costs in tokens, by the providers' published formulas. They
//! are priors, not promises (the documentation of several models contradicts
//! itself), so the bound adds 10 % and 64 tokens.

/// How a family of models counts a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Patches of 32 px, at most `cap` of them, times `permille` / 1000.
    Patches { cap: u64, permille: u64 },
    /// Fitted into 2048 px, short side 768, tiles of 512 px.
    Tiles { base: u64, per_tile: u64 },
    /// Shrunk to `edge` px and `cap` patches of 28 px.
    Shrunk { edge: u64, cap: u64 },
    /// One price whatever the size.
    Flat(u64),
    /// `per_tile` for every 768 px tile.
    LargeTiles(u64),
}

/// Which formula a model uses, by the beginning of its name; the first that
/// fits counts. Source: the providers' documentation, 2026-11.
const FAMILIES: &[(&str, Family)] = &[
    (
        "gpt-4.1-mini",
        Family::Patches {
            cap: 1536,
            permille: 1620,
        },
    ),
    (
        "gpt-4.1-nano",
        Family::Patches {
            cap: 1536,
            permille: 2460,
        },
    ),
    (
        "gpt-5-mini",
        Family::Patches {
            cap: 1536,
            permille: 1620,
        },
    ),
    (
        "gpt-5-nano",
        Family::Patches {
            cap: 1536,
            permille: 2460,
        },
    ),
    (
        "o4-mini",
        Family::Patches {
            cap: 1536,
            permille: 1720,
        },
    ),
    (
        "gpt-5.6",
        Family::Patches {
            cap: 30_000,
            permille: 1200,
        },
    ),
    (
        "gpt-6",
        Family::Patches {
            cap: 30_000,
            permille: 1200,
        },
    ),
    (
        "gpt-4o-mini",
        Family::Tiles {
            base: 2833,
            per_tile: 5667,
        },
    ),
    (
        "gpt-4o",
        Family::Tiles {
            base: 85,
            per_tile: 170,
        },
    ),
    (
        "gpt-4.1",
        Family::Tiles {
            base: 85,
            per_tile: 170,
        },
    ),
    (
        "gpt-5",
        Family::Tiles {
            base: 70,
            per_tile: 140,
        },
    ),
    (
        "o1",
        Family::Tiles {
            base: 75,
            per_tile: 150,
        },
    ),
    (
        "o3",
        Family::Tiles {
            base: 75,
            per_tile: 150,
        },
    ),
    ("claude-opus-4-7", LARGE_CLAUDE),
    ("claude-opus-4-8", LARGE_CLAUDE),
    ("claude-opus-5", LARGE_CLAUDE),
    ("claude-sonnet-5", LARGE_CLAUDE),
    ("claude-fable-5", LARGE_CLAUDE),
    ("claude-haiku-5", LARGE_CLAUDE),
    ("claude-mythos", LARGE_CLAUDE),
    (
        "claude",
        Family::Shrunk {
            edge: 1568,
            cap: 1568,
        },
    ),
    ("gemini-2", Family::LargeTiles(258)),
    ("gemini", Family::Flat(1120)),
];

const LARGE_CLAUDE: Family = Family::Shrunk {
    edge: 2576,
    cap: 4784,
};

/// What a picture of this size probably costs.
#[must_use]
pub fn expect(model: &str, width: u32, height: u32) -> u64 {
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    family(model).map_or_else(|| careful(width, height), |family| family.tokens(width, height))
}

/// More than a picture of this size costs, by the formula and a margin.
#[must_use]
pub fn upper_bound(model: &str, width: u32, height: u32) -> u64 {
    let tokens = expect(model, width, height);
    tokens.saturating_add(tokens.div_ceil(10)).saturating_add(64)
}

fn family(model: &str) -> Option<Family> {
    // Routers put the maker before the name: "google/gemini-3-flash".
    let name = model.rsplit('/').next().unwrap_or(model);
    FAMILIES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, family)| *family)
}

/// For models nobody knows: patches of 14 px merged two by two, as the open
/// vision models do, never below the dearest tile formula of a small page.
fn careful(width: u64, height: u64) -> u64 {
    (width.div_ceil(28) * height.div_ceil(28)).max(1700)
}

impl Family {
    fn tokens(self, width: u64, height: u64) -> u64 {
        match self {
            Self::Patches { cap, permille } => {
                let patches = (width.div_ceil(32) * height.div_ceil(32)).min(cap);
                (patches * permille).div_ceil(1000)
            }
            Self::Tiles { base, per_tile } => {
                let (width, height) = fit_tiles(width, height);
                base + per_tile * width.div_ceil(512) * height.div_ceil(512)
            }
            Self::Shrunk { edge, cap } => {
                let long = width.max(height);
                let (width, height) = if long > edge {
                    ((width * edge).div_ceil(long), (height * edge).div_ceil(long))
                } else {
                    (width, height)
                };
                (width.div_ceil(28) * height.div_ceil(28)).min(cap)
            }
            Self::Flat(tokens) => tokens,
            Self::LargeTiles(per_tile) if width <= 384 && height <= 384 => per_tile,
            Self::LargeTiles(per_tile) => per_tile * width.div_ceil(768) * height.div_ceil(768),
        }
    }
}

/// Fits a picture into 2048 px, then brings its short side to 768 px. Rounds
/// up, so that rounding never hides a tile.
fn fit_tiles(width: u64, height: u64) -> (u64, u64) {
    let long = width.max(height);
    let (width, height) = if long > 2048 {
        ((width * 2048).div_ceil(long), (height * 2048).div_ceil(long))
    } else {
        (width, height)
    };
    let short = width.min(height).max(1);
    if short > 768 {
        ((width * 768).div_ceil(short), (height * 768).div_ceil(short))
    } else {
        (width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_give_the_documented_examples() {
        let cases = [
            ("gpt-4o", 1024, 1024, 85 + 170 * 4),
            ("gpt-4o-mini-2024-07-18", 512, 512, 2833 + 5667),
            ("gpt-4o", 2048, 4096, 85 + 170 * 6),
            ("gpt-4.1-mini", 1024, 1024, 1659),
            ("claude-sonnet-4-5", 924, 1307, 33 * 47),
            ("claude-sonnet-5", 2480, 3508, 4784),
            ("gemini-2.5-flash", 300, 300, 258),
            ("google/gemini-3-flash-preview", 4000, 4000, 1120),
        ];
        for (model, width, height, tokens) in cases {
            assert_eq!(expect(model, width, height), tokens, "{model} {width}x{height}");
        }
    }

    #[test]
    fn no_size_overflows() {
        for model in [
            "gpt-4o",
            "gpt-6-sol",
            "claude-opus-5",
            "gemini-2.5-pro",
            "unknown",
        ] {
            for (width, height) in [(0, 0), (u32::MAX, u32::MAX), (1, u32::MAX)] {
                assert!(upper_bound(model, width, height) > expect(model, width, height));
            }
        }
    }
}
