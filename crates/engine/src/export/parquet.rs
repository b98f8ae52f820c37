//! Apache Parquet: a file per table, typed columns that may be null, Snappy, a row
//! group whenever enough has come together. Written with the column writers
//! themselves: rows are turned into columns here, so nothing of Arrow is needed.

use std::sync::Arc;

use docmill_store::ResultRow;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::flatten::{Cell, Flattener};
use super::layout::{ColumnType, Table};
use super::target::{Output, Stage};
use super::{ExportError, Writer};

/// Rows of a row group at most: what readers like to see.
const GROUP_ROWS: usize = 50_000;

/// Bytes of text of a row group at most: what bounds memory.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct ParquetWriter {
    flattener: Flattener,
    files: Vec<TableFile>,
}

impl ParquetWriter {
    pub(super) fn new(flattener: Flattener, stage: &mut Stage) -> Result<Self, ExportError> {
        let files = flattener
            .layout
            .tables
            .iter()
            .map(|table| TableFile::new(table, stage.create(&table.name)?))
            .collect::<Result<_, _>>()?;
        Ok(Self { flattener, files })
    }
}

impl Writer for ParquetWriter {
    fn document(&mut self, result: &ResultRow) -> Result<(), ExportError> {
        let files = &mut self.files;
        self.flattener
            .rows(result, &mut |table, cells| match files.get_mut(table) {
                Some(file) => file.push(cells),
                None => Ok(()),
            })
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        self.files.into_iter().try_for_each(TableFile::finish)
    }
}

/// The file of a table, and the row group that is being filled.
struct TableFile {
    writer: SerializedFileWriter<Output>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// The values of a column in the row group, and for each row whether there is one.
struct Values {
    typed: Typed,
    present: Vec<i16>,
}

enum Typed {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
    Boolean(Vec<bool>),
}

impl TableFile {
    fn new(table: &Table, output: Output) -> Result<Self, ExportError> {
        let blame = output.blame();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("docmill ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = schema_of(table).map_err(bug)?;
        let writer = SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties))
            .map_err(|error| told(error, &blame))?;
        let columns = table
            .columns
            .iter()
            .map(|column| Values::new(column.kind))
            .collect();
        Ok(Self {
            writer,
            columns,
            rows: 0,
            bytes: 0,
        })
    }

    fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        if self.rows == 0 {
            return Ok(());
        }
        let blame = self.writer.inner().blame();
        self.write_group().map_err(|error| told(error, &blame))?;
        self.rows = 0;
        self.bytes = 0;
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for values in &mut self.columns {
            let Some(mut column) = group.next_column()? else {
                break;
            };
            values.write(column.untyped())?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    fn finish(mut self) -> Result<(), ExportError> {
        self.flush()?;
        let blame = self.writer.inner().blame();
        // Also flushes the output below.
        self.writer.finish().map_err(|error| told(error, &blame))?;
        std::io::Write::flush(self.writer.inner_mut()).map_err(blame)
    }
}

impl Values {
    fn new(kind: ColumnType) -> Self {
        let typed = match kind {
            ColumnType::Text | ColumnType::Date | ColumnType::Json => Typed::Text(Vec::new()),
            ColumnType::Integer => Typed::Integer(Vec::new()),
            ColumnType::Number => Typed::Number(Vec::new()),
            ColumnType::Boolean => Typed::Boolean(Vec::new()),
        };
        Self {
            typed,
            present: Vec::new(),
        }
    }

    /// Adds a cell; returns the bytes it takes. A value that is not of the column's
    /// type (a whole number beyond 64 bits) has no place in a typed column: null.
    #[expect(clippy::cast_precision_loss, reason = "a whole number in a column of floats")]
    fn push(&mut self, cell: &Cell<'_>) -> usize {
        let bytes = match (&mut self.typed, cell) {
            (_, Cell::Empty) => None,
            (Typed::Text(values), Cell::Text(text)) => {
                values.push(ByteArray::from(text.as_bytes().to_vec()));
                Some(text.len() + size_of::<ByteArray>())
            }
            (Typed::Integer(values), Cell::Integer(number)) => {
                values.push(*number);
                Some(8)
            }
            (Typed::Number(values), Cell::Number(number)) => {
                values.push(*number);
                Some(8)
            }
            // The column is one of doubles; JSON Lines and CSV keep the digits.
            (
                Typed::Number(values),
                Cell::Exact {
                    nearest: Some(nearest),
                    ..
                },
            ) => {
                values.push(*nearest);
                Some(8)
            }
            (Typed::Number(values), Cell::Integer(number)) => {
                values.push(*number as f64);
                Some(8)
            }
            (Typed::Boolean(values), Cell::Boolean(flag)) => {
                values.push(*flag);
                Some(1)
            }
            _ => None,
        };
        self.present.push(i16::from(bytes.is_some()));
        bytes.unwrap_or(0) + 2
    }

    /// Writes the values and forgets them.
    fn write(&mut self, column: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let present = Some(self.present.as_slice());
        match (&mut self.typed, column) {
            (Typed::Text(values), ColumnWriter::ByteArrayColumnWriter(column)) => {
                column.write_batch(values, present, None)?;
                values.clear();
            }
            (Typed::Integer(values), ColumnWriter::Int64ColumnWriter(column)) => {
                column.write_batch(values, present, None)?;
                values.clear();
            }
            (Typed::Number(values), ColumnWriter::DoubleColumnWriter(column)) => {
                column.write_batch(values, present, None)?;
                values.clear();
            }
            (Typed::Boolean(values), ColumnWriter::BoolColumnWriter(column)) => {
                column.write_batch(values, present, None)?;
                values.clear();
            }
            _ => return Err(ParquetError::General("a column of another type".to_owned())),
        }
        self.present.clear();
        Ok(())
    }
}

fn schema_of(table: &Table) -> Result<Type, ParquetError> {
    let mut fields = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let (physical, logical) = match column.kind {
            ColumnType::Text | ColumnType::Date | ColumnType::Json => {
                (Physical::BYTE_ARRAY, Some(LogicalType::String))
            }
            ColumnType::Integer => (Physical::INT64, None),
            ColumnType::Number => (Physical::DOUBLE, None),
            ColumnType::Boolean => (Physical::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        fields.push(Arc::new(field));
    }
    Type::group_type_builder("schema").with_fields(fields).build()
}

/// The library hands errors of the output on inside its own.
fn told(error: ParquetError, blame: &dyn Fn(std::io::Error) -> ExportError) -> ExportError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(io) => blame(*io),
            Err(other) => ExportError::Bug(other.to_string()),
        },
        other => bug(other),
    }
}

fn bug(error: ParquetError) -> ExportError {
    ExportError::Bug(error.to_string())
}
