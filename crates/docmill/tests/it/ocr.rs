//! `docmill ocr install`, without a network: packages are given as files.

use std::fs::File;
use std::io::Write as _;

use crate::program::Program;

const DETECTION: &str = "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx";

/// A package with one file in it.
fn package(program: &Program, name: &str, within: &str, content: &[u8]) -> String {
    let path = program.write(name, "");
    let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
    archive
        .start_file(within, zip::write::SimpleFileOptions::default())
        .unwrap();
    archive.write_all(content).unwrap();
    archive.finish().unwrap();
    path.display().to_string()
}

#[test]
fn a_package_with_another_network_than_the_known_one_changes_nothing() {
    let program = Program::new();
    let wheel = package(&program, "other.whl", DETECTION, b"not the network");
    program
        .run(&["ocr", "install", "--wheel", &wheel])
        .fails(1, "carries another", "nothing was changed");
    assert!(!program.path(".local/share/docmill/ocr").exists());
}

#[test]
fn a_package_without_the_network_is_named_with_the_one_that_has_it() {
    let program = Program::new();
    let wheel = package(&program, "empty.whl", "README", b"nothing");
    program.run(&["ocr", "install", "--wheel", &wheel]).fails(
        1,
        "rapidocr-onnxruntime==",
        "nothing was changed",
    );
}

#[test]
fn what_is_no_package_is_refused() {
    let program = Program::new();
    let path = program.write("text.whl", "no archive").display().to_string();
    program.run(&["ocr", "install", "--wheel", &path]).fails(
        2,
        "is no package that can be read",
        "pip download",
    );
}

#[test]
fn an_engine_that_does_not_exist_or_is_not_installed_is_refused() {
    let program = Program::new();
    let document = program.write("a.txt", "Total 7.00").display().to_string();
    for (asked, says) in [
        ("magic", "DOCMILL_OCR is \"magic\""),
        ("pp-ocr", "which is not installed"),
    ] {
        let mut command = program.command(&["run", &document, "--template", "receipt", "--yes"]);
        command.env("DOCMILL_OCR", asked);
        crate::program::Ran::of(command.output().unwrap()).fails(2, says, "pp-ocr or tesseract");
    }
}
