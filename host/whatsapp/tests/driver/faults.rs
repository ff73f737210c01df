//! Everything the network can do to a session, as one table: what happens, what the link says about
//! it, and what becomes of two messages each way that are under way meanwhile. Messages to the session
//! arrive in every row, once each; where the connection ended before they were acknowledged they may be
//! handed over again, which the host drops. Where the engines differ, a row says so with [`on`].

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::time::timeout;
use warbler_app::driver::{LinkEnd, Outgoing, SendFailure};
use warbler_domain::EngineName;
use warbler_simulator::Fault;

use crate::ENGINE;
use crate::scene::{Meets, SOON, Scene, heard, times_told};
use crate::world::{Session, eventually};

/// Longest wait for the server's word before a message is sent again.
const ACK: Duration = Duration::from_secs(2);
/// What the link says.
enum Reports {
    /// Nothing: it goes on.
    Nothing,
    /// Nothing, and it does not go on: who asks hears nothing, and closes it.
    Silence,
    /// That it is over, in this way; the next one connects.
    End(fn(&LinkEnd) -> bool),
    /// That it is over for good: the next one ends in the same way.
    Unlinked,
    /// That the server refused what was sent, with this code.
    Refusal(&'static str),
    /// That sending did not work for now.
    Failure,
}

/// What becomes of what the session says.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Once,
    Never,
}

struct Row {
    meets: Meets,
    fault: Fault,
    reports: Reports,
    said: Said,
    /// Whether the session writes to somebody it has never heard of.
    stranger: bool,
}

fn row(meets: Meets, fault: Fault, reports: Reports) -> Row {
    Row {
        meets,
        fault,
        reports,
        said: Said::Once,
        stranger: false,
    }
}

impl Row {
    fn said(self, said: Said) -> Self {
        Self { said, ..self }
    }

    fn with_a_stranger(self) -> Self {
        Self {
            stranger: true,
            ..self
        }
    }
}

/// What differs between the default engine and `wa-rs`.
fn on<T>(default: T, wa_rs: T) -> T {
    match ENGINE {
        EngineName::WhatsappRust => default,
        EngineName::WaRs => wa_rs,
    }
}

fn lost(end: &LinkEnd) -> bool {
    matches!(end, LinkEnd::Lost { .. })
}

fn restart(end: &LinkEnd) -> bool {
    *end == LinkEnd::Restart
}

fn replaced(end: &LinkEnd) -> bool {
    *end == LinkEnd::Replaced
}

fn logged_out(end: &LinkEnd) -> bool {
    matches!(end, LinkEnd::LoggedOut { .. })
}

fn refused(end: &LinkEnd) -> bool {
    matches!(end, LinkEnd::Refused { for_now: None, .. })
}

fn refused_for_now(end: &LinkEnd) -> bool {
    matches!(
        end,
        LinkEnd::Refused {
            for_now: Some(_),
            ..
        }
    )
}

fn stream_error(code: u16) -> Fault {
    Fault::StreamError { code }
}

fn login_failure(reason: u16) -> Fault {
    Fault::LoginFailure { reason, times: 1 }
}

fn error_acks(code: u16) -> Fault {
    Fault::ErrorAcks { code, times: 2 }
}

fn iq_error(xmlns: &str) -> Fault {
    Fault::IqError {
        xmlns: xmlns.to_owned(),
        code: 429,
        times: 1,
    }
}

macro_rules! table {
    ($($name:ident: $row:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() -> Result<()> {
            holds($row).await
        }
    )*};
}

table! {
    a_dropped_connection: row(Meets::Session, Fault::Drop, Reports::End(lost));
    a_connection_gone_silent: row(Meets::Session, Fault::HalfOpen, Reports::Silence);
    a_server_that_starts_again: row(Meets::Session, stream_error(515), Reports::End(restart));
    a_server_that_is_unavailable: row(Meets::Session, stream_error(503), Reports::End(lost));
    a_stream_error_nobody_knows: row(Meets::Session, stream_error(599), Reports::End(lost));
    a_stream_error_that_unlinks: row(Meets::Session, stream_error(516), Reports::End(logged_out));
    a_connection_somebody_takes_over: row(Meets::Session, Fault::Replaced, Reports::End(replaced));
    a_device_the_phone_removes: row(Meets::Session, Fault::Logout, Reports::Unlinked);
    a_frame_that_cannot_be_opened: row(Meets::Session, Fault::Garbage, Reports::Silence);
    a_stanza_nobody_knows:
        row(Meets::Session, Fault::UnknownStanza { bytes: 10 }, Reports::Nothing);
    a_huge_stanza_nobody_knows:
        row(Meets::Session, Fault::UnknownStanza { bytes: 4 << 20 }, Reports::Nothing);

    a_time_away: row(Meets::Login, Fault::Clock { offset_seconds: 0 }, Reports::Nothing);
    a_server_with_a_clock_ahead:
        row(Meets::Login, Fault::Clock { offset_seconds: 86_400 }, Reports::Nothing);
    a_server_with_a_clock_behind:
        row(Meets::Login, Fault::Clock { offset_seconds: -86_400 }, Reports::Nothing);
    a_short_handshake_declined:
        row(Meets::Login, Fault::DeclineIk { times: 1 }, Reports::Nothing);
    a_login_while_the_server_is_unavailable:
        row(Meets::Login, login_failure(503), Reports::End(lost));
    a_login_to_a_broken_server: row(Meets::Login, login_failure(500), Reports::End(lost));
    a_login_of_a_banned_account:
        row(Meets::Login, login_failure(402), Reports::End(refused_for_now));
    a_login_of_a_locked_account: row(Meets::Login, login_failure(403), Reports::End(refused));
    a_login_of_an_old_version: row(Meets::Login, login_failure(405), Reports::End(refused));
    a_login_of_a_removed_device: row(Meets::Login, login_failure(401), Reports::End(logged_out));

    late_acks: row(Meets::Session, Fault::DelayAcks { ms: 300, times: 2 }, Reports::Nothing);
    lost_acks: row(Meets::Session, Fault::DropAcks { times: 2 }, Reports::Nothing);
    // `server_refusals`: on wa-rs what the server refuses counts as sent.
    a_refusal_for_good:
        row(Meets::Session, error_acks(479), on(Reports::Refusal("479"), Reports::Nothing))
            .said(Said::Never);
    a_refusal_for_now:
        row(Meets::Session, error_acks(500), on(Reports::Refusal("500"), Reports::Nothing))
            .said(on(Said::Once, Said::Never));
    a_question_about_a_person_refused:
        row(Meets::Session, iq_error("usync"), Reports::Failure).with_a_stranger();
    a_question_for_keys_refused:
        row(Meets::Session, iq_error("encrypt"), Reports::Failure).with_a_stranger();

    late_delivery_here:
        row(Meets::Session, Fault::DelayDelivery { ms: 300, times: 1 }, Reports::Nothing);
    late_delivery_there:
        row(Meets::Customer, Fault::DelayDelivery { ms: 300, times: 1 }, Reports::Nothing);
    double_delivery_here: row(Meets::Session, Fault::DeliverTwice { times: 2 }, Reports::Nothing);
    double_delivery_there: row(Meets::Customer, Fault::DeliverTwice { times: 2 }, Reports::Nothing);
    a_message_overtaken_here: row(Meets::Session, Fault::Reorder { times: 1 }, Reports::Nothing);
    a_message_overtaken_there: row(Meets::Customer, Fault::Reorder { times: 1 }, Reports::Nothing);
    // `resend`: on wa-rs nobody answers when the customer asks for another copy.
    a_message_damaged_there: row(Meets::Customer, Fault::Corrupt { times: 1 }, Reports::Nothing)
        .said(on(Said::Once, Said::Never));
}

// wa-rs begins a new encryption session when it asks again, and so does the customer: what either of
// them says in that moment may be lost, or not.
crate::only_with! { Resend:
table! {
    a_message_damaged_here: row(Meets::Session, Fault::Corrupt { times: 1 }, Reports::Nothing);
}
}

/// Sends as the outbox does, until the server has it or refuses it for good; its refusals.
async fn delivers(session: &Session, message: &Outgoing) -> Result<Vec<String>> {
    let mut refusals = Vec::new();
    for _ in 0..5 {
        if let Ok(answer) = timeout(ACK, session.ack(&message.whatsapp_id)).await {
            let Some(refusal) = answer? else {
                return Ok(refusals);
            };
            refusals.push(refusal.code);
            if !refusal.retryable {
                return Ok(refusals);
            }
        }
        match session.link.send(message).await {
            Ok(()) | Err(SendFailure::NotConnected | SendFailure::Temporary(_)) => {}
            Err(failure) => bail!("{failure}"),
        }
    }
    bail!("a message was never acknowledged")
}

async fn holds(row: Row) -> Result<()> {
    let mut scene = Scene::begin().await?;
    let to = match row.stranger {
        true => scene.world.person("+15550702", "Dora")?,
        false => scene.customer.clone(),
    };
    scene.strike(row.meets, row.fault).await?;
    let mut asked = Vec::new();
    for text in ["one", "two"] {
        let owner = scene.owner.number();
        asked.push(scene.customer.says(owner, text).await?);
    }
    let (mut said, mut sent) = (Vec::new(), Vec::new());
    for text in ["three", "four"] {
        let message = scene.world.text(&to.jid(), text)?;
        sent.push(scene.session.link.send(&message).await);
        said.push(message);
    }

    let mut comes_back = row.meets == Meets::Login;
    match &row.reports {
        Reports::Nothing | Reports::Refusal(_) => {}
        Reports::Failure => {
            let failed =
                |sent: &Result<(), SendFailure>| matches!(sent, Err(SendFailure::Temporary(_)));
            ensure!(sent.first().is_some_and(failed), "{sent:?}");
        }
        Reports::Silence => {
            ensure!(scene.session.link.ping(SOON).await.is_err(), "it answers");
            scene.session.link.close().await;
            assert_eq!(scene.session.end().await?, LinkEnd::Closed);
            comes_back = true;
        }
        Reports::End(fits) => {
            if row.meets == Meets::Login {
                scene.reopen().await?;
            }
            let end = scene.session.end().await?;
            ensure!(fits(&end), "it ended as {end:?}");
            comes_back = true;
        }
        Reports::Unlinked => {
            let end = scene.session.end().await?;
            ensure!(logged_out(&end), "it ended as {end:?}");
            scene.reopen().await?;
            let end = scene.session.end().await?;
            ensure!(logged_out(&end), "the next one ended as {end:?}");
            assert!(scene.owner.devices().is_empty());
            return Ok(());
        }
    }
    if comes_back {
        scene.reopen().await?;
        scene.session.connected().await?;
    }
    let mut refusals = Vec::new();
    for message in &said {
        refusals.extend(delivers(&scene.session, message).await?);
    }
    match &row.reports {
        Reports::Refusal(code) => {
            assert!(!refusals.is_empty() && refusals.iter().all(|it| it == code));
        }
        _ => ensure!(refusals.is_empty(), "refused with {refusals:?}"),
    }

    // All is well again, and goes on.
    scene.world.network.faults().clear();
    scene.is_heard("five").await?;
    let last = scene.world.text(&to.jid(), "six")?;
    scene.session.link.send(&last).await?;
    eventually("the last word", || heard(&to, &last) > 0).await?;
    let inbox = &scene.session.inbox;
    for id in &asked {
        inbox
            .holds("what the customer said", |told| times_told(told, id) > 0)
            .await?;
        let times = times_told(&inbox.told(), id);
        ensure!(comes_back || times == 1, "{:?}", inbox.told());
    }
    for message in &said {
        if row.said == Said::Once {
            eventually("what the session said", || heard(&to, message) > 0).await?;
        }
        let times = heard(&to, message);
        let fits = match row.said {
            Said::Once => times == 1,
            Said::Never => times == 0,
        };
        ensure!(fits, "heard {times} times");
    }
    scene.session.link.close().await;
    Ok(())
}
