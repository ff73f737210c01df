//! Pages of history and searches over a million messages, through the API.
//!
//! The messages are written straight into the database, as they lie after years: 2,000 chats of
//! very different sizes, texts of words that are as frequent as words are.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use warbler_domain::{
    Content, Direction, Jid, Message, MessageId, MessageStatus, Random, SessionId, SessionName,
    Timestamp, WhatsAppId,
};
use warbler_store::{Error, Store, StoreOptions};
use warbler_tests::TestHost;

use crate::spread;

const MESSAGES: usize = 1_000_000;
const BATCH: usize = 1_000;
const CHATS: usize = 2_000;
const WORDS: usize = 20_000;
const ASKED: usize = 500;
/// The first message was written then; one follows each half minute.
const BEGAN: i64 = 1_750_000_000_000;

/// How long a page of history takes, and a search.
pub(crate) async fn pages_and_searches() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", "+15550001").await?;
    let path = host.data().join("warbler.db");
    let began = Instant::now();
    host.while_stopped(async move {
        let store = Store::open(&StoreOptions::new(path))?;
        let session = session(&store).await?;
        fill(&store, session).await?;
        store.close().await;
        Ok(())
    })
    .await?;
    println!(
        "history: {MESSAGES} messages written and indexed in {:.0?}",
        began.elapsed()
    );
    let random = Random::seeded(3);
    let mut pages = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        pages.push(page(&host, &random).await?);
    }
    let pages = spread(pages);
    println!(
        "history page of 50 over {MESSAGES} messages: median {:.1?}, p99 {:.1?}",
        pages.median, pages.p99
    );
    let mut searches = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        searches.push(search(&host, &random).await?);
    }
    let searches = spread(searches);
    println!(
        "search of one or two words over {MESSAGES} messages: median {:.1?}, p99 {:.1?}",
        searches.median, searches.p99
    );
    host.stop().await;
    Ok(())
}

async fn session(store: &Store) -> Result<SessionId> {
    let name: SessionName = "shop".parse()?;
    let found = store.read(move |db| db.sessions().named(&name)).await?;
    Ok(found.first().context("the session")?.id)
}

async fn fill(store: &Store, session: SessionId) -> Result<()> {
    let random = Random::seeded(2);
    for first in (0..MESSAGES).step_by(BATCH) {
        let batch = (first..first + BATCH)
            .map(|number| message(session, number, &random))
            .collect::<Result<Vec<_>>>()?;
        store
            .write_relaxed::<_, Error, _>(move |tx| {
                for message in &batch {
                    tx.messages_mut().insert(message)?;
                }
                tx.search_mut().catch_up(BATCH as u32).map(drop)
            })
            .await?;
    }
    while store
        .write_relaxed::<_, Error, _>(|tx| tx.search_mut().catch_up(BATCH as u32))
        .await?
    {}
    Ok(())
}

fn message(session: SessionId, number: usize, random: &Random) -> Result<Message> {
    let at = Timestamp::from_millis(BEGAN + number as i64 * 30_000);
    let chat = chat(random)?;
    let words: Vec<_> = (0..8).map(|_| word(random)).collect();
    Ok(Message {
        id: MessageId::new(at, random),
        session,
        whatsapp_id: WhatsAppId::new(random),
        sender: chat.clone(),
        chat,
        chat_alt: None,
        sender_alt: None,
        sender_name: Some("Somebody".to_owned()),
        direction: Direction::Inbound,
        timestamp: at,
        content: Content::text(words.join(" ")),
        quoted: None,
        forwarded: 0,
        audience: Vec::new(),
        scheduled_for: None,
        status: MessageStatus::Received,
        error: None,
        error_code: None,
        sender_saved_name: None,
    })
}

/// A small number more often than a large one.
fn skewed(random: &Random, bound: usize) -> usize {
    let part = (random.below(1_000_000) as f64 + 1.0) / 1_000_000.0;
    ((bound as f64).powf(part) as usize).min(bound - 1)
}

fn chat(random: &Random) -> Result<Jid> {
    Ok(format!("1666{:07}@s.whatsapp.net", skewed(random, CHATS)).parse()?)
}

fn word(random: &Random) -> String {
    spelled(skewed(random, WORDS))
}

/// The `rank`th word of a language with short frequent words and long rare ones.
fn spelled(rank: usize) -> String {
    const PARTS: [&str; 40] = [
        "a", "be", "con", "dra", "el", "fi", "gor", "hu", "in", "jo", "kel", "lu", "mar", "ne",
        "op", "pra", "qui", "rem", "so", "tri", "un", "ver", "wo", "xa", "yel", "zu", "bra", "cle",
        "dis", "ent", "fro", "gli", "hal", "ick", "lom", "mun", "nor", "pul", "sto", "tal",
    ];
    let (mut rest, mut word) = (rank + 7, String::new());
    while rest > 0 {
        word.push_str(PARTS.get(rest % PARTS.len()).copied().unwrap_or("o"));
        rest /= PARTS.len();
    }
    word
}

/// A page of a chat, half of them the newest, half some pages further on.
async fn page(host: &TestHost, random: &Random) -> Result<Duration> {
    let chat = chat(random)?;
    let first = format!("/v1/sessions/shop/chats/{chat}/messages?limit=50");
    let mut path = first.clone();
    for _ in 0..random.below(2) * 3 {
        let before = host.api().get(&path).await?.expect(200)?;
        match before.body["next"].as_str() {
            Some(next) => path = format!("{first}&cursor={next}"),
            None => break,
        }
    }
    timed(host, &path).await
}

async fn search(host: &TestHost, random: &Random) -> Result<Duration> {
    let mut words = word(random);
    if random.below(2) == 1 {
        words.push_str("%20");
        words.push_str(&word(random));
    }
    timed(
        host,
        &format!("/v1/sessions/shop/history?limit=50&text={words}"),
    )
    .await
}

async fn timed(host: &TestHost, path: &str) -> Result<Duration> {
    let asked = Instant::now();
    let answer = host.api().get(path).await?;
    let took = asked.elapsed();
    ensure!(answer.status == 200, "{path}: {}", answer.body);
    Ok(took)
}
