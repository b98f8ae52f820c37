//! OpenAI's own tokenizers: how many tokens a text is, exactly. Slow beside the guess of
//! [`crate::tokens`] (14 MB/s, and a quarter of a second to build the table), so that only a sample
//! of a batch is counted so; what the guess is off by for the others follows from the sample.

use tiktoken_rs::CoreBPE;

use crate::catalog;

/// Which of OpenAI's vocabularies a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Everything since gpt-4o.
    O200k,
    /// gpt-4 and gpt-3.5.
    Cl100k,
}

impl Encoding {
    /// The vocabulary of a model of OpenAI, whoever sells it; `None`: nobody knows.
    #[must_use]
    pub fn of(model: &catalog::Model) -> Option<Self> {
        let name = match model.name.strip_prefix("openai/") {
            Some(name) => name,
            None if matches!(model.provider.as_str(), "openai" | "azure") => &model.name,
            None => return None,
        };
        let older = ["gpt-3.5", "gpt-35", "gpt-4-"];
        if name == "gpt-4" || older.iter().any(|older| name.starts_with(older)) {
            return Some(Self::Cl100k);
        }
        let newer = ["gpt-", "chatgpt-", "o1", "o3", "o4"];
        newer
            .iter()
            .any(|newer| name.starts_with(newer))
            .then_some(Self::O200k)
    }

    /// Tokens of a text, in which nothing is special.
    #[must_use]
    pub fn count(self, text: &str) -> u64 {
        self.table().count_ordinary(text) as u64
    }

    /// Builds the table, if it was not before: takes a quarter of a second.
    pub fn load(self) {
        self.table();
    }

    fn table(self) -> &'static CoreBPE {
        match self {
            Self::O200k => tiktoken_rs::o200k_base_singleton(),
            Self::Cl100k => tiktoken_rs::cl100k_base_singleton(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: &str, name: &str) -> Option<Encoding> {
        Encoding::of(catalog::built_in().find(provider, name).unwrap())
    }

    #[test]
    fn models_have_their_vocabulary() {
        assert_eq!(of("openai", "gpt-4o-mini"), Some(Encoding::O200k));
        assert_eq!(of("openai", "gpt-4.1"), Some(Encoding::O200k));
        assert_eq!(of("openai", "o3-mini"), Some(Encoding::O200k));
        assert_eq!(of("openai", "gpt-4"), Some(Encoding::Cl100k));
        assert_eq!(of("openai", "gpt-4-turbo"), Some(Encoding::Cl100k));
        assert_eq!(of("openai", "gpt-3.5-turbo"), Some(Encoding::Cl100k));
        let others = catalog::built_in()
            .models()
            .iter()
            .filter(|model| model.provider == "anthropic");
        assert!(others.map(Encoding::of).all(|encoding| encoding.is_none()));
    }

    #[test]
    fn counts_are_those_of_the_vocabulary() {
        // As the provider's own tokenizer page counts them.
        assert_eq!(Encoding::O200k.count("hello world"), 2);
        assert_eq!(Encoding::Cl100k.count("tiktoken is great!"), 6);
        // Marks of the chat format in a document are text.
        assert!(Encoding::O200k.count("<|endoftext|>") > 1);
    }
}
