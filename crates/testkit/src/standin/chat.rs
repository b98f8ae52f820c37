//! Reads a chat completion and counts its tokens, independently of docmill.

use std::borrow::Cow;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct Chat<'a> {
    #[serde(borrow)]
    pub(super) model: Cow<'a, str>,
    #[serde(borrow)]
    messages: &'a RawValue,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(borrow, default)]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Deserialize)]
struct ResponseFormat<'a> {
    #[serde(borrow, default)]
    json_schema: Option<JsonSchema<'a>>,
}

#[derive(Deserialize)]
struct JsonSchema<'a> {
    #[serde(borrow)]
    schema: &'a RawValue,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(#[serde(borrow)] Vec<Part<'a>>),
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    image_url: Option<ImageUrl<'a>>,
}

#[derive(Deserialize)]
struct ImageUrl<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

impl<'a> Chat<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    pub(super) fn schema(&self) -> Option<&'a str> {
        let format = self.response_format.as_ref()?;
        Some(format.json_schema.as_ref()?.schema.get())
    }

    pub(super) fn limit(&self) -> u64 {
        self.max_completion_tokens.or(self.max_tokens).unwrap_or(4096)
    }

    /// What tells one prompt from another.
    pub(super) fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.model.as_bytes());
        hasher.update(&[0]);
        hasher.update(self.messages.get().as_bytes());
        hasher.update(&[0]);
        hasher.update(self.schema().unwrap_or_default().as_bytes());
        hasher.finalize()
    }

    /// Bytes of text in the prompt, and tokens of its pictures.
    pub(super) fn size(&self) -> Result<Size, serde_json::Error> {
        let messages: Vec<Message<'_>> = serde_json::from_str(self.messages.get())?;
        let mut size = Size {
            text_bytes: self.schema().map_or(0, |schema| schema.len() as u64),
            messages: messages.len() as u64,
            image_tokens: 0,
        };
        for message in messages {
            match message.content {
                Some(Content::Text(text)) => size.text_bytes += text.len() as u64,
                Some(Content::Parts(parts)) => parts.iter().for_each(|part| size.add(part)),
                None => {}
            }
        }
        Ok(size)
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    text_bytes: u64,
    messages: u64,
    image_tokens: u64,
}

impl Size {
    fn add(&mut self, part: &Part<'_>) {
        if let Some(text) = &part.text {
            self.add_text(text);
        }
        if let Some(image) = &part.image_url {
            self.add_picture(&image.url);
        }
    }

    pub(super) fn add_text(&mut self, text: &str) {
        self.text_bytes += text.len() as u64;
    }

    /// A picture in a data URL, or its base64 alone.
    pub(super) fn add_picture(&mut self, picture: &str) {
        let (width, height) = png_size(picture).unwrap_or((512, 512));
        self.image_tokens += tiles(width, height);
    }

    pub(super) fn add_messages(&mut self, messages: u64) {
        self.messages += messages;
    }

    /// Tokens of the prompt: four bytes to a token, as English is.
    pub(super) fn tokens(self) -> u64 {
        self.text_bytes.div_ceil(4) + 4 * self.messages + 3 + self.image_tokens
    }

    pub(super) fn bytes(self) -> u64 {
        self.text_bytes
    }
}

/// Width and height from the head of a PNG in a data URL.
fn png_size(url: &str) -> Option<(u32, u32)> {
    let data = url.split_once("base64,").map_or(url, |(_, data)| data);
    let head = base64::engine::general_purpose::STANDARD
        .decode(data.get(..32)?)
        .ok()?;
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

/// gpt-4o's formula.
fn tiles(width: u32, height: u32) -> u64 {
    let (mut width, mut height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let fit = (2048.0 / width.max(height)).min(1.0);
    (width, height) = (width * fit, height * fit);
    let shrink = (768.0 / width.min(height)).min(1.0);
    let count = |side: f64| {
        let mut tiles = 1u64;
        let mut covered = 512.0;
        while covered < side * shrink {
            covered += 512.0;
            tiles += 1;
        }
        tiles
    };
    85 + 170 * count(width) * count(height)
}
