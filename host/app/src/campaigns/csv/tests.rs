//! Files as they come.

use super::*;

fn read(bytes: &[u8]) -> Result<Recipients, CsvError> {
    read_in(bytes, 7)
}

/// Reads a file in pieces of so many bytes.
fn read_in(bytes: &[u8], piece: usize) -> Result<Recipients, CsvError> {
    let mut reader = CsvReader::new(Mapping::default());
    for piece in bytes.chunks(piece) {
        reader.push(piece)?;
    }
    reader.finish()
}

/// Every good recipient as `number|name|field=value…`.
fn shown(list: &Recipients) -> Vec<String> {
    let lines = list.good.iter().map(|one| {
        let fields = one
            .fields
            .iter()
            .map(|(name, value)| format!("|{name}={value}"));
        let name = one.name.as_deref().unwrap_or("-");
        format!("{}|{name}{}", one.to.user(), fields.collect::<String>())
    });
    lines.collect()
}

fn codes(list: &Recipients) -> Vec<(u32, Option<&str>, &str)> {
    let errors = list.errors.iter();
    errors
        .map(|error| (error.row, error.column.as_deref(), error.code))
        .collect()
}

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let units = mark
        .then_some(0xfeff)
        .into_iter()
        .chain(text.encode_utf16());
    let bytes = units.map(|unit| {
        if big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    });
    bytes.flatten().collect()
}

const LIST: &str = "Phone Number,Full Name,Company\n+15550100,Zoë,Ümläut GmbH\n15550101,Ada,\n";

#[test]
fn every_encoding_gives_the_same_recipients() -> Result<(), CsvError> {
    let expected = ["15550100|Zoë|companyName=Ümläut GmbH", "15550101|Ada"];
    let marked = [b"\xef\xbb\xbf", LIST.as_bytes()].concat();
    let (western, _, _) = WINDOWS_1252.encode(LIST);
    let files = [
        LIST.as_bytes().to_vec(),
        marked,
        western.into_owned(),
        utf16(LIST, false, true),
        utf16(LIST, true, true),
        utf16(LIST, false, false),
        utf16(LIST, true, false),
    ];
    for (index, file) in files.iter().enumerate() {
        for piece in [1, 2, 3, 64, 1 << 20] {
            let list = read_in(file, piece)?;
            assert_eq!(shown(&list), expected, "file {index} in pieces of {piece}");
            assert_eq!(list.columns, ["companyName"]);
        }
    }
    Ok(())
}

#[test]
fn separators_quotes_and_line_ends_are_read_as_spreadsheets_write_them() -> Result<(), CsvError> {
    let expected = ["15550100|Ada; \"Countess\"|note=a\nb"];
    let files: [&[u8]; 5] = [
        b"number;name;note\r\n15550100;\"Ada; \"\"Countess\"\"\";\"a\nb\"\r\n",
        b"number\tname\tnote\n15550100\t\"Ada; \"\"Countess\"\"\"\t\"a\nb\"",
        b"sep=|\r\nnumber|name|note\n15550100|\"Ada; \"\"Countess\"\"\"|\"a\nb\"\n",
        b"\n\nnumber,name,note\n\n15550100,\"Ada; \"\"Countess\"\"\",\"a\nb\"\n,,\n",
        b"NUMBER , Name,note\n\"+1 (555) 01-00\",\"Ada; \"\"Countess\"\"\",\"a\nb\"\n",
    ];
    for file in files {
        let text = String::from_utf8_lossy(file);
        let list = read(file)?;
        assert_eq!(shown(&list), expected, "{text}");
        assert!(list.errors.is_empty(), "{text}: {:?}", list.errors);
    }
    Ok(())
}

#[test]
fn rows_that_cannot_be_used_are_told_one_by_one() -> Result<(), CsvError> {
    let list = read(
        b"phone,name,city\n\
          15550100,Ada,London\n\
          ,Bob,Paris\n\
          15550100,Ada again,\n\
          1.5555E+11,Rounded,\n\
          15550102,=HYPERLINK(\"x\"),\n\
          15550103,Eve,#REF!\n\
          15550104,Max,Rome,more\n\
          =\"15550105\",Text,'=kept\n",
    )?;
    assert_eq!(
        codes(&list),
        [
            (3, Some("phone"), "missing_number"),
            (4, Some("phone"), "duplicate"),
            (5, Some("phone"), "rounded_number"),
            (6, Some("name"), "formula"),
            (7, Some("city"), "broken_cell"),
            (8, None, "too_many_cells"),
        ]
    );
    assert_eq!(
        shown(&list),
        ["15550100|Ada|city=London", "15550105|Text|city==kept"]
    );
    Ok(())
}

#[test]
fn files_that_are_no_lists_are_refused_whole() {
    let code = |bytes: &[u8]| read(bytes).map(|_| ()).map_err(|err| err.code());
    assert_eq!(code(b""), Err("csv_empty"));
    assert_eq!(code(b" \r\n \n"), Err("csv_empty"));
    assert_eq!(code(b"\xef\xbb\xbf"), Err("csv_empty"));
    assert_eq!(code(b"PK\x03\x04rest of a workbook"), Err("csv_not_text"));
    assert_eq!(code(b"number,name\n1555\x00,Ada\n"), Err("csv_not_text"));
    assert_eq!(code(b"name,city\nAda,London\n"), Err("csv_bad_header"));
    assert_eq!(code(b"15550100,Ada\n15550101,Bob\n"), Err("csv_bad_header"));
    assert_eq!(code(b"number,Name,name\n"), Err("csv_bad_header"));
    assert_eq!(
        code(b"number,name\n15550100,\"Ada\n"),
        Err("csv_open_quote")
    );
    let endless = [
        b"number,name\n15550100,\"".to_vec(),
        vec![b'x'; MAX_ROW + 1],
    ]
    .concat();
    assert_eq!(code(&endless), Err("csv_row_too_long"));
    let wide = "a,".repeat(MAX_COLUMNS + 2);
    assert_eq!(code(wide.as_bytes()), Err("csv_bad_header"));
    assert!(read(b"number,name\n").is_ok_and(|list| list.good.is_empty()));
}

#[test]
fn a_file_that_does_not_end_is_refused_while_it_comes() {
    let mut reader = CsvReader::new(Mapping::default());
    let piece = [b"number\n".to_vec(), b"x\n".repeat(500_000)].concat();
    let mut pushed = 0u64;
    // A gibibyte, if it were taken.
    let refused = (0..1024).find_map(|_| {
        pushed += piece.len() as u64;
        reader.push(&piece).err()
    });
    assert_eq!(refused.map(|err| err.code()), Some("too_many_recipients"));
    let mut reader = CsvReader::new(Mapping::default());
    let blank = vec![b'\n'; 1 << 20];
    assert!(reader.push(b"number\n").is_ok());
    let refused = (0..1024).find_map(|_| reader.push(&blank).err());
    assert_eq!(refused, Some(CsvError::TooLarge));
    assert!(pushed < 4 * MAX_BYTES);
}

#[test]
fn a_file_as_large_as_the_limit_is_read_and_one_byte_more_is_not() -> Result<(), CsvError> {
    // Rows that are long, and a last one that fills up.
    let mut row = b"15550100000,".to_vec();
    row.resize(200 * 1024, b'x');
    row.push(b'\n');
    let mut reader = CsvReader::new(Mapping::default());
    reader.push(b"number,note\n")?;
    let mut pushed = 12;
    while pushed + row.len() as u64 <= MAX_BYTES {
        reader.push(&row)?;
        pushed += row.len() as u64;
    }
    let rest = vec![b'\n'; usize::try_from(MAX_BYTES - pushed).unwrap_or(0)];
    reader.push(&rest)?;
    assert_eq!(reader.push(b"\n"), Err(CsvError::TooLarge));
    let list = reader.finish()?;
    assert!(list.good.is_empty() && list.rows > 300, "{}", list.rows);
    assert!(
        list.errors
            .iter()
            .all(|error| error.code == "value_too_long")
    );
    Ok(())
}

#[test]
fn columns_can_be_named_by_whoever_asks() -> Result<(), CsvError> {
    let mapping = Mapping {
        number: Some("Kontakt".to_owned()),
        name: Some("anrede".to_owned()),
    };
    let mut reader = CsvReader::new(mapping.clone());
    reader.push(b"Anrede,Kontakt,number\nFrau Ada,15550100,7\n")?;
    assert_eq!(shown(&reader.finish()?), ["15550100|Frau Ada|number=7"]);
    let mut reader = CsvReader::new(mapping);
    reader.push(b"number\n1\n")?;
    assert_eq!(
        reader.finish().map(|_| ()).map_err(|err| err.code()),
        Err("csv_bad_header")
    );
    Ok(())
}
