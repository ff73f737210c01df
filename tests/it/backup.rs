//! Backups, and databases that cannot be opened.

use anyhow::{Context, Result, bail};
use serde_json::json;
use warbler_cli::host::{DATABASE, back_up, media_of, restore};
use warbler_domain::{Clock as _, SystemClock};
use warbler_tests::{TestHost, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

#[tokio::test]
async fn a_backup_of_a_running_host_brings_back_its_pairing_and_its_messages() -> Result<()> {
    let mut host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let sent = shop.says(ADA, "before the backup").await?;
    shop.has_status(&sent, "delivered").await?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("monday.db");
    let mut told = Vec::new();
    let made = back_up(&host.data(), &file, true, |progress| told.push(progress))?;
    assert_eq!(made.database, std::fs::metadata(&file)?.len());
    let last = told.last().context("progress")?;
    assert_eq!((last.written, last.total), (made.database, made.database));
    let again = back_up(&host.data(), &file, false, |_| ());
    assert!(again.is_err(), "a backup replaces no file");

    // A running host keeps its database to itself.
    let running = restore(&file, &host.data(), SystemClock.now());
    assert!(running.is_err(), "{running:?}");

    // The machine is lost, and the backup put into an empty folder.
    let data = host.data();
    host.while_stopped(async move {
        std::fs::rename(&data, data.with_extension("lost"))?;
        let aside = restore(&file, &data, SystemClock.now())?;
        assert_eq!(aside, None);
        Ok(())
    })
    .await?;
    host.is_connected("shop").await?;
    let shop = host.shop("shop", OWNER)?;
    shop.has_message("the one from before", |message| {
        message["text"] == "before the backup"
    })
    .await?;
    ada.says(OWNER, "still there?").await?;
    shop.has_received("still there?").await?;
    shop.says(ADA, "yes").await?;
    hears_text(&ada, "yes").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_was_there_before_a_backup_is_kept_aside() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.api()
        .post("/v1/sessions", json!({ "name": "first" }))
        .await?
        .expect(201)?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("one.db");
    back_up(&host.data(), &file, false, |_| ())?;
    assert!(!media_of(&file).exists());
    host.api()
        .post("/v1/sessions", json!({ "name": "second" }))
        .await?
        .expect(201)?;
    let data = host.data();
    host.while_stopped(async move {
        let aside = restore(&file, &data, SystemClock.now())?.context("what was there")?;
        assert!(aside.starts_with(&data) && aside.join(DATABASE).is_file());
        Ok(())
    })
    .await?;
    host.api().get("/v1/sessions/first").await?.expect(200)?;
    host.api().get("/v1/sessions/second").await?.expect(404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_backup_is_not_put_in_place() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (file, data) = (dir.path().join("file"), dir.path().join("data"));
    for content in [
        &b""[..],
        b"not a database at all, but long enough to look like one",
    ] {
        std::fs::write(&file, content)?;
        let refused = restore(&file, &data, SystemClock.now());
        assert!(refused.is_err(), "{refused:?}");
        assert!(!data.join(DATABASE).exists());
    }
    Ok(())
}

#[tokio::test]
async fn a_damaged_database_is_not_opened_and_a_backup_helps() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.api()
        .post("/v1/sessions", json!({ "name": "shop" }))
        .await?
        .expect(201)?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("good.db");
    back_up(&host.data(), &file, false, |_| ())?;
    let data = host.data();
    let options = host.options();
    host.while_stopped(async move {
        let path = data.join(DATABASE);
        // A log beside it would make good for the damage.
        assert!(!data.join(format!("{DATABASE}-wal")).exists());
        let mut bytes = std::fs::read(&path)?;
        // The tables stay readable in name; what they point to is rubbish.
        let from = bytes.len() / 3;
        bytes.get_mut(from..).context("a larger file")?.fill(0xAA);
        std::fs::write(&path, bytes)?;
        let message = match warbler_cli::host::Host::start(options).await {
            Err(err) => err.to_string(),
            Ok(_) => bail!("it started"),
        };
        assert!(
            message.contains("damaged") && message.contains("warbler restore"),
            "{message}"
        );
        restore(&file, &data, SystemClock.now())?;
        Ok(())
    })
    .await?;
    host.api().get("/v1/sessions/shop").await?.expect(200)?;
    host.stop().await;
    Ok(())
}
