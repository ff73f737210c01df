//! Random input against everything that reads what strangers write.
//!
//! Each target starts from the seeds in `seeds/`, changes them at random, and keeps what made it
//! behave in a new way. Without being asked for more it tries a fixed number of inputs, which takes
//! a moment; `WARBLER_FUZZ_SECONDS=60` makes each target go on for so long, `WARBLER_FUZZ_SEED`
//! begins elsewhere. What fails is printed, to become a seed and a test of its own.

mod engine;

use anyhow::{Result, ensure};
use data_encoding::BASE64;
use serde_json::json;
use warbler_app::campaigns::csv::{CsvReader, Mapping};
use warbler_app::campaigns::{MAX_ANSWERS, Recipients};
use warbler_app::media::parse_data_url;
use warbler_domain::page::Cursor;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Jid, KindPattern, PhoneNumber, Recipient, RuleSpec, Timestamp};
use warbler_tests::TestHost;

use engine::Target;

#[test]
fn a_recipient_is_read_or_refused_and_read_again_as_what_it_is() -> Result<()> {
    let target = Target {
        name: "recipient",
        words: &[
            "@s.whatsapp.net",
            "@c.us",
            "@lid",
            "@g.us",
            "@broadcast",
            "status",
            ":",
            "+",
            "-",
            ".",
        ],
        few: 20_000,
    };
    target.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return Ok("not text".to_owned());
        };
        if let Ok(number) = text.parse::<PhoneNumber>() {
            let jid = Jid::pn(&number);
            ensure!(jid.to_string().parse::<Jid>()? == jid, "{jid}");
        }
        match text.parse::<Recipient>() {
            Ok(recipient) => {
                let jid = recipient.jid();
                let again: Recipient = jid.to_string().parse()?;
                ensure!(again.jid() == jid, "{again:?}");
                Ok(format!("{:?}", jid.server()))
            }
            Err(err) => {
                ensure!(err.to_string().chars().count() < 200, "a refusal is short");
                Ok("refused".to_owned())
            }
        }
    })
}

#[test]
fn a_contact_card_is_read_or_refused_and_stays_what_it_is() -> Result<()> {
    let target = Target {
        name: "vcard",
        words: &[
            "BEGIN:VCARD\r\n",
            "END:VCARD",
            "FN:",
            "N:",
            "TEL",
            ";waid=",
            ":",
            ";",
            "\r\n ",
            "\\n",
            "item1.",
        ],
        few: 10_000,
    };
    target.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return Ok("not text".to_owned());
        };
        match ContactCard::parse(text) {
            Ok(card) => {
                let again = ContactCard::parse(&card.vcard)?;
                ensure!(
                    again.name == card.name,
                    "{:?} became {:?}",
                    card.name,
                    again.name
                );
                ensure!(again.numbers() == card.numbers(), "the numbers changed");
                let made = ContactCard::new(&card.name, &card.numbers());
                ContactCard::parse(&made.vcard)?;
                Ok(format!("{} numbers", card.numbers().len().min(4)))
            }
            Err(err) => Ok(format!("{:?}", std::mem::discriminant(&err))),
        }
    })
}

/// A list that comes in pieces of so many bytes; the refusal's word where it is refused.
fn list_of(input: &[u8], piece: usize) -> Result<Recipients, &'static str> {
    use warbler_domain::Refusal as _;
    let mut reader = CsvReader::new(Mapping::default());
    for piece in input.chunks(piece) {
        reader.push(piece).map_err(|err| err.code())?;
    }
    reader.finish().map_err(|err| err.code())
}

#[test]
fn a_list_of_recipients_is_the_same_in_whatever_pieces_it_comes() -> Result<()> {
    let target = Target {
        name: "csv",
        words: &[
            "number",
            "name",
            ",",
            ";",
            "\t",
            "\"",
            "\"\"",
            "\r\n",
            "sep=;",
            "+15550100",
            "=1",
            "#REF!",
            "\0",
            "'",
        ],
        few: 20_000,
    };
    target.run(|input| {
        let whole = list_of(input, input.len().max(1));
        let pieces = list_of(input, 3);
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => {
                ensure!(whole.good == pieces.good, "other recipients");
                ensure!(whole.errors == pieces.errors, "other answers");
                ensure!(whole.errors.len() <= MAX_ANSWERS, "too many answers");
                let rows = whole.good.len() + whole.bad as usize;
                ensure!(rows == whole.rows as usize, "a row has no answer");
                let codes: Vec<_> = whole
                    .errors
                    .iter()
                    .map(|error| error.code)
                    .take(3)
                    .collect();
                Ok(format!("{} {codes:?}", whole.good.len().min(3)))
            }
            (Err(whole), Err(pieces)) => {
                ensure!(whole == pieces, "{whole} in one piece, {pieces} in many");
                Ok(whole.to_owned())
            }
            (whole, pieces) => {
                anyhow::bail!("one piece: {:?}, many: {:?}", whole.err(), pieces.err())
            }
        }
    })
}

#[test]
fn a_data_url_gives_the_bytes_that_were_put_in() -> Result<()> {
    let target = Target {
        name: "data_url",
        words: &["data:", ";base64,", ",", "%2B", "%", "=", "image/png", "\n"],
        few: 20_000,
    };
    target.run(|input| {
        let url = format!(
            "data:application/octet-stream;base64,{}",
            BASE64.encode(input)
        );
        ensure!(parse_data_url(&url)? == input, "other bytes came out");
        let Ok(text) = std::str::from_utf8(input) else {
            return Ok("not text".to_owned());
        };
        match parse_data_url(text) {
            Ok(bytes) => {
                ensure!(bytes.len() <= text.len(), "more came out than was put in");
                Ok(format!("{} bytes", bytes.len().min(8)))
            }
            Err(err) => Ok(format!("{:?}", std::mem::discriminant(&err))),
        }
    })
}

#[test]
fn a_rule_is_read_or_refused_in_few_words_and_stays_what_it_is() -> Result<()> {
    let target = Target {
        name: "rule",
        words: &[
            "{\"name\":\"x\",",
            "\"when\":[",
            "\"then\":[",
            "\"direct\"",
            "{\"contains\":\"a\"}",
            "{\"matches\":\"(a)\"}",
            "{\"not\":",
            "{\"any\":[",
            "{\"reply\":\"{{1}}\"}",
            "{\"ask\":{\"question\":\"q\",\"remember\":\"r\"}}",
            "\"10m\"",
            "{{name|",
            "}}",
            "]}",
            "}",
        ],
        few: 10_000,
    };
    target.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return Ok("not text".to_owned());
        };
        match text.parse::<RuleSpec>() {
            Ok(spec) => {
                let written = serde_json::to_string(&spec)?;
                let again: RuleSpec = serde_json::from_str(&written)?;
                ensure!(again == spec, "{written}");
                Ok(format!("{} {}", spec.when.len(), spec.then.len()))
            }
            Err(mistake) => {
                let said = mistake.to_string().chars().count();
                ensure!(said < 4_096, "a refusal of {said} characters");
                Ok(mistake.field)
            }
        }
    })
}

#[test]
fn cursors_kinds_and_times_are_read_or_refused() -> Result<()> {
    let target = Target {
        name: "query",
        words: &[
            "=",
            "&",
            "cursor",
            "message.*",
            "*",
            "T",
            "Z",
            "+02:00",
            "9223372036854775807",
        ],
        few: 20_000,
    };
    target.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return Ok("not text".to_owned());
        };
        let mut seen = String::new();
        for word in text.split(['&', '=', ',']) {
            if let Ok(cursor) = word.parse::<Cursor>() {
                ensure!(cursor.to_string().parse::<Cursor>()? == cursor, "{cursor}");
                seen.push('c');
            }
            if let Ok(kind) = word.parse::<KindPattern>() {
                ensure!(kind.to_string().parse::<KindPattern>()? == kind, "{kind}");
                seen.push('k');
            }
            if let Ok(time) = serde_json::from_value::<Timestamp>(json!(word)) {
                let again: Timestamp = serde_json::from_value(json!(time))?;
                ensure!(again == time, "{time}");
                seen.push('t');
            }
        }
        seen.truncate(6);
        Ok(seen)
    })
}

#[test]
fn no_body_or_query_makes_the_host_fail() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let host = runtime.block_on(TestHost::start())?;
    let session = json!({ "name": "shop" });
    runtime
        .block_on(host.api().post("/v1/sessions", session))?
        .expect(201)?;
    let bodies = Target {
        name: "send_body",
        words: &[
            "\"to\":",
            "\"text\":",
            "\"media\":",
            "\"url\":",
            "\"data\":",
            "\"poll\":",
            "\"options\":",
            "null",
            "{}",
            "[]",
            "1e999",
            "-1",
            "\"\\ud800\"",
            "\"quote\":",
            "\"sendAt\":",
            "\"location\":",
            "\"contacts\":",
            "true",
        ],
        few: 300,
    };
    bodies.run(|input| {
        let asked = host
            .api()
            .post_raw("/v1/sessions/shop/messages", input.to_vec());
        answered(&runtime.block_on(asked)?)
    })?;
    let queries = Target {
        name: "query",
        words: &[
            "=", "&", "cursor=", "limit=", "session=", "kind=", "since=", "%00", "%ff", "\u{202e}",
        ],
        few: 150,
    };
    queries.run(|input| {
        let query = String::from_utf8_lossy(input).replace(['#', '\r', '\n', '\t'], "%23");
        let mut seen = String::new();
        for path in ["/v1/events", "/v1/sessions/shop/messages"] {
            let answer = runtime.block_on(host.api().get(&format!("{path}?{query}")))?;
            seen.push_str(&answered(&answer)?);
        }
        Ok(seen)
    })?;
    runtime.block_on(host.stop());
    Ok(())
}

/// What came back, which is never the host's own fault.
fn answered(answer: &warbler_tests::Answer) -> Result<String> {
    ensure!(answer.status < 500, "{}: {}", answer.status, answer.body);
    let code = answer.body["code"].as_str().unwrap_or_default();
    ensure!(
        answer.status < 400 || !code.is_empty(),
        "{}: a refusal without a code",
        answer.status
    );
    Ok(format!("{} {code} {}", answer.status, answer.body["field"]))
}
