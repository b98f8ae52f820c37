//! A document as a person sees it: its pages as pictures, its words with their
//! places, and what a model is asked about it.

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{PageImage, ParsedDocument};
use docmill_parse::{ImageOptions, ReadOptions, ReadRequest};
use docmill_source::Discovered;
use docmill_store::{BatchRow, DocumentRow};

use crate::loader::{DocumentLoader, DocumentRef, unchanged};
use crate::pipeline::{Pictures, Route, Setup, prepare};
use crate::{Engine, EngineError};

/// Documents tried until one can be read.
const TRIED: usize = 10;

/// What a model is asked, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The instructions, the same for every document of the batch.
    pub system: String,
    /// The parts.
    pub parts: Vec<AskedPart>,
}

/// One part of a document as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPart {
    /// The text.
    pub text: String,
    /// Pages sent as pictures.
    pub pictures: u32,
    /// Tokens it is thought to be.
    pub input_tokens: u64,
}

impl Engine {
    /// The pages of a document with the place of each word: as it was read for the batch,
    /// when that reading was kept.
    ///
    /// # Errors
    /// When it cannot be fetched or read.
    pub async fn reading(&self, batch: &BatchRow, document: &DocumentRow) -> Result<ParsedDocument, Failure> {
        DocumentLoader::new(self, &batch.plan).read(document.into()).await
    }

    /// One page of a document as a picture; `None` when its format has none.
    ///
    /// # Errors
    /// When it cannot be fetched or rendered.
    pub async fn picture(
        &self,
        batch: &BatchRow,
        document: &DocumentRow,
        page: u32,
        dpi: u32,
    ) -> Result<Option<PageImage>, Failure> {
        let images = ImageOptions {
            dpi,
            max_edge: 4096,
            first_page: page,
            max_pages: 1,
        };
        let pictures = DocumentLoader::new(self, &batch.plan)
            .pictures(document.into(), images)
            .await?;
        Ok(pictures.into_iter().next())
    }

    /// The document itself.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn content(&self, document: &DocumentRow) -> Result<bytes::Bytes, Failure> {
        let limit = self.settings.max_document_bytes;
        let content = self.parts.source.read(&document.key, limit).await?;
        unchanged(&document.name, document.content_hash, &content)?;
        Ok(content)
    }

    /// The first document of some sources that can be read, with its name.
    ///
    /// # Errors
    /// When the sources cannot be used; inside, when none of their first documents can be read.
    pub async fn first_reading(
        &self,
        sources: &[String],
    ) -> Result<Result<(String, ParsedDocument), Failure>, EngineError> {
        let mut failed = Failure::new(FailureCode::SourceUnreadable, "there are no documents");
        for found in self.preview(sources, TRIED).await? {
            let Discovered::Document(found) = found else {
                continue;
            };
            let read = async {
                let limit = self.settings.max_document_bytes;
                let content = self.parts.source.read(&found.key, limit).await?;
                let request = ReadRequest {
                    name: found.name.clone(),
                    content,
                    passwords: Vec::new(),
                    options: ReadOptions::default(),
                };
                self.parts.reader.read(request).await
            };
            match read.await {
                Ok(reading) => return Ok(Ok((found.name, reading))),
                Err(failure) => failed = failure,
            }
        }
        Ok(Err(failed))
    }

    /// What a model is asked about a document, as it would be asked now.
    ///
    /// # Errors
    /// When the model cannot be used, or the document cannot be read.
    pub async fn asked(
        &self,
        batch: &BatchRow,
        document: &DocumentRow,
    ) -> Result<Result<Asked, Failure>, EngineError> {
        let setup = Setup::new(self, batch)?;
        Ok(ask(&setup, document.into()).await)
    }
}

async fn ask(setup: &Setup, document_ref: DocumentRef<'_>) -> Result<Asked, Failure> {
    let reading = setup.loader.read(document_ref).await?;
    let prompts = prepare(setup, document_ref, reading, Pictures::Measured).await?;
    let mut parts = Vec::new();
    for leaf in prompts.progress.leaves() {
        // Only a price that overflows refuses, and the run says so.
        let Ok(prompt) = prompts.prompt(leaf, Route::default()) else {
            break;
        };
        parts.push(AskedPart {
            input_tokens: setup.resolved.provider.expect(&prompt.request).total_input(),
            pictures: u32::try_from(prompt.request.images.len()).unwrap_or(u32::MAX),
            text: prompt.request.text,
        });
    }
    Ok(Asked {
        system: setup.system.to_string(),
        parts,
    })
}
