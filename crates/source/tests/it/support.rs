//! Small tools for these tests.

use std::fs;
use std::path::Path;

use docmill_source::{Discovered, Found, Options, Source, SourceError, Sources};
use futures::StreamExt;

/// Everything a discovery yielded.
#[derive(Debug, Default)]
pub struct Discovery {
    pub documents: Vec<Found>,
    pub notices: Vec<String>,
    pub errors: Vec<SourceError>,
}

impl Discovery {
    pub fn names(&self) -> Vec<&str> {
        self.documents.iter().map(|found| found.name.as_str()).collect()
    }
}

pub fn sources() -> Sources {
    Sources::new(Options::default()).unwrap()
}

pub fn filtered(include: &[&str], exclude: &[&str]) -> Sources {
    Sources::new(Options {
        include: include.iter().map(ToString::to_string).collect(),
        exclude: exclude.iter().map(ToString::to_string).collect(),
        ..Options::default()
    })
    .unwrap()
}

pub async fn discover_all(sources: &Sources, specs: &[String]) -> Discovery {
    let mut discovery = Discovery::default();
    let mut stream = sources.discover(specs).await.unwrap();
    while let Some(item) = stream.next().await {
        match item {
            Ok(Discovered::Document(found)) => discovery.documents.push(found),
            Ok(Discovered::Notice(notice)) => discovery.notices.push(notice),
            Err(error) => discovery.errors.push(error),
        }
    }
    discovery
}

pub async fn discover(sources: &Sources, path: &Path) -> Discovery {
    discover_all(sources, &[path.display().to_string()]).await
}

pub async fn refusal(sources: &Sources, spec: &str) -> SourceError {
    match sources.discover(&[spec.to_owned()]).await {
        Err(error) => error,
        Ok(mut stream) => loop {
            match stream.next().await {
                Some(Err(error)) => return error,
                Some(Ok(_)) => {}
                None => panic!("{spec} was accepted"),
            }
        },
    }
}

pub fn write(root: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A ZIP archive with these entries.
pub fn zip(path: &Path, entries: &[(&str, &[u8])]) {
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};
    let mut writer = ZipWriter::new(fs::File::create(path).unwrap());
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
}
