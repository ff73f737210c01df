//! Looking for words.

use anyhow::{Context as _, Result};
use warbler_domain::history::HistoryFilter;
use warbler_domain::{Content, SessionId};

use crate::bench::{ADA, Bench, NOW, about};

#[tokio::test]
async fn words_are_found_by_their_beginning_without_case_and_accents() -> Result<()> {
    let bench = Bench::new()?;
    bench
        .stores(vec![
            bench.says(ADA, 1, Content::text("What is the PRICE of a café?"))?,
            bench.says(ADA, 2, Content::text("prices start at $10"))?,
            bench.says(ADA, 3, Content::text("good morning"))?,
        ])
        .await?;
    let cases: [(&str, &[&str]); 9] = [
        ("price", &["M2", "M1"]),
        ("Pri", &["M2", "M1"]),
        ("CAFE price", &["M1"]),
        ("price start", &["M2"]),
        ("ice", &[]),
        ("pr", &[]),
        ("a", &["M1"]),
        ("nothing", &[]),
        ("$10", &["M2"]),
    ];
    for (text, expected) in cases {
        assert_eq!(bench.searches(text).await?, expected, "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn no_text_is_read_as_a_query() -> Result<()> {
    let bench = Bench::new()?;
    bench
        .stores(vec![bench.says(
            ADA,
            1,
            Content::text("NOT a \"query\" at all"),
        )?])
        .await?;
    for odd in [
        "a\"b",
        "NOT",
        "AND OR",
        "a*",
        "text:a",
        "^a",
        "NEAR(a b)",
        "{text} : a",
        "a + b",
        "a' --",
        "(a",
        "-a",
        "scope:s0",
        "a\u{0}b",
        "é\u{301}",
        "ﷺ a",
        "🎉a",
        "日本語",
    ] {
        bench.searches(odd).await.with_context(|| odd.to_owned())?;
    }
    assert_eq!(bench.searches("not \"query\"").await?, ["M1"]);
    Ok(())
}

#[tokio::test]
async fn a_search_sees_no_other_session_and_only_the_chat_it_asks_for() -> Result<()> {
    let bench = Bench::new()?;
    let mut foreign = bench.says(ADA, 1, Content::text("hello there"))?;
    foreign.session = SessionId::new(NOW, &bench.random);
    bench
        .stores(vec![
            foreign,
            bench.says(ADA, 2, Content::text("hello here"))?,
            bench.says(
                "15550101@s.whatsapp.net",
                3,
                Content::text("hello everywhere"),
            )?,
        ])
        .await?;
    assert_eq!(bench.searches("hello").await?, ["M3", "M2"]);
    let filter = HistoryFilter {
        chat: Some(ADA.parse()?),
        text: Some("hello".parse()?),
        ..HistoryFilter::default()
    };
    assert_eq!(bench.finds(filter).await?, ["M2"]);
    Ok(())
}

#[tokio::test]
async fn a_message_is_found_by_its_newest_words_and_not_once_it_is_taken_back() -> Result<()> {
    let bench = Bench::new()?;
    bench
        .stores(vec![bench.says(
            ADA,
            1,
            Content::text("we open at nine"),
        )?])
        .await?;
    let edit = Content::Edit {
        target: about(1)?,
        text: "we open at ten".to_owned(),
    };
    bench.stores(vec![bench.says(ADA, 2, edit)?]).await?;
    assert_eq!(bench.searches("nine").await?, [""; 0]);
    assert_eq!(bench.searches("ten").await?, ["M1"]);
    let revoke = Content::Revoke {
        target: about(1)?,
        target_sender: None,
    };
    bench.stores(vec![bench.says(ADA, 3, revoke)?]).await?;
    assert_eq!(bench.searches("ten").await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_deleted_message_is_found_no_more() -> Result<()> {
    let bench = Bench::new()?;
    let message = bench.says(ADA, 1, Content::text("a secret"))?;
    let id = message.id;
    bench.stores(vec![message]).await?;
    bench.writes(move |tx| tx.messages_mut().delete(id)).await?;
    assert_eq!(bench.searches("secret").await?, [""; 0]);
    Ok(())
}
