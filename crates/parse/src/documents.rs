//! The reader docmill uses: plain text here, everything else in the sandbox.

use async_trait::async_trait;
use docmill_core::failure::Failure;
use docmill_core::page::{PageImage, ParsedDocument};

use crate::detect::detect;
use crate::port::{ImageOptions, ReadRequest, Reader};
use crate::read;
use crate::sandbox::Sandbox;

/// Plain text larger than this is read in the sandbox too: it would hold up a runtime thread.
const READ_HERE: usize = 512 * 1024;

/// Reads documents of every format docmill knows.
pub struct Documents {
    sandbox: Sandbox,
}

impl Documents {
    /// A reader with this sandbox.
    #[must_use]
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }
}

#[async_trait]
impl Reader for Documents {
    async fn read(&self, request: ReadRequest) -> Result<ParsedDocument, Failure> {
        if (1..=READ_HERE).contains(&request.content.len()) {
            let detected = detect(&request.name, &request.content);
            if read::is_plain(detected.format) {
                return read::read_as(&detected, &request.content, &[], &request.options, None);
            }
        }
        self.sandbox.read(request).await
    }

    async fn render(&self, request: ReadRequest, images: ImageOptions) -> Result<Vec<PageImage>, Failure> {
        self.sandbox.render(request, images).await
    }
}
